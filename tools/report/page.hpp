// The page of a report, as it is in the command.
#pragma once

#include <string_view>

namespace report {

/// HTML, before and after what the data stands in place of.
struct Page {
  std::string_view before;
  std::string_view after;
};

Page page();

} // namespace report
