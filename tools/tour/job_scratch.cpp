// A line of text a record, joined from fields that are formatted first.
#include "jobs.hpp"

#include <allot/scratch.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tour {
namespace {

constexpr std::string_view separator = ", ";

struct Field {
  std::string_view name; // empty in an array
  std::string_view value;
};

/// Calls `use` with each value of the record that is no array or object.
template <class Use>
void for_each_field(const Input& input, const Record& record, Use use) {
  std::string_view name;
  for (std::size_t i = record.begin; i != record.end; ++i) {
    const Token& token = input.tokens[i];
    if (token.kind == ',')
      name = {};
    else if (token.kind == '"' && i + 1 != record.end && input.tokens[i + 1].kind == ':')
      name = input.text_of(token);
    else if (token.kind == '"' || token.kind == '0')
      use(Field{std::exchange(name, {}), input.text_of(token)});
  }
}

std::size_t count_fields(const Input& input, const Record& record) {
  std::size_t count = 0;
  for_each_field(input, record, [&count](const Field&) { ++count; });
  return count;
}

/// Enough for any record's fields, the views of them, and its line.
std::size_t most_scratch(const Input& input) {
  constexpr std::size_t per_field =
      sizeof(std::string_view) + 2 * (1 + separator.size()) + allot::granule;
  std::size_t most = 0;
  for (const Record& record : input.records) {
    const Token& last = input.tokens[record.end - 1];
    const std::size_t text = last.offset + last.size - input.tokens[record.begin].offset;
    most = std::max(most, 2 * text + (record.end - record.begin) * per_field);
  }
  return most + allot::granule;
}

Job::Turn with_strategy(const Input& input) {
  const auto kept =
      std::make_shared<allot::Scratch>(most_scratch(input), allot::Options{.zero = false});
  return [&input, kept](Values& values) {
    allot::Scratch& scratch = *kept;
    const auto append = [](char* to, std::string_view text) {
      return to + text.copy(to, text.size());
    };
    for (const Record& record : input.records) {
      const auto scope = scratch.scope();
      const auto fields = scratch.create_array<std::string_view>(count_fields(input, record));
      std::size_t count = 0;
      std::size_t size = 0;
      for_each_field(input, record, [&](const Field& field) {
        const std::size_t bytes = field.name.size() + 1 + field.value.size();
        auto* const text = static_cast<char*>(scratch.allocate(bytes));
        append(append(append(text, field.name), "="), field.value);
        fields[count++] = {text, bytes};
        size += bytes + separator.size();
      });
      auto* const line = static_cast<char*>(scratch.allocate(size));
      char* end = line;
      for (const std::string_view field : fields)
        end = append(append(end, field), separator);
      values.text({line, size});
    }
  };
}

Job::Turn with_malloc(const Input& input) {
  return [&input](Values& values) {
    for (const Record& record : input.records) {
      std::vector<std::string> fields;
      fields.reserve(count_fields(input, record));
      std::size_t size = 0;
      for_each_field(input, record, [&](const Field& field) {
        std::string text;
        text.reserve(field.name.size() + 1 + field.value.size());
        text.append(field.name).append("=").append(field.value);
        size += text.size() + separator.size();
        fields.push_back(std::move(text));
      });
      std::string line;
      line.reserve(size);
      for (const std::string& field : fields)
        line.append(field).append(separator);
      values.text(line);
    }
  };
}

} // namespace

constinit const Job scratch_job{"scratch",
                                "a line of text a record",
                                "std::string for each part",
                                with_strategy,
                                with_malloc,
                                "a scope takes all parts back",
                                "short texts fit into strings",
                                "what outlives the work it was for"};

} // namespace tour
