#include "page.hpp"

#include <cstddef>

// The file that tools/report/page makes, as it is.
asm(".section .rodata\n"
    ".global allot_report_page\n"
    "allot_report_page: .incbin \"" ALLOT_REPORT_PAGE "\"\n"
    ".global allot_report_page_end\n"
    "allot_report_page_end: .byte 0\n"
    ".previous\n");

extern "C" const char allot_report_page[];
extern "C" const char allot_report_page_end[];

namespace report {

Page page() {
  constexpr std::string_view marker = "<!--DATA-->";
  const std::string_view html(allot_report_page,
                              static_cast<std::size_t>(allot_report_page_end - allot_report_page));
  const std::size_t at = html.find(marker);
  return {html.substr(0, at), html.substr(at + marker.size())};
}

} // namespace report
