// json_documents [REQUESTS]: each request is a JSON document that is read into a tree, weighed, and
// dropped. Who asked is counted in a table that lives on.
#include "input.hpp"

#include <allot/allocator.hpp>
#include <allot/region.hpp>

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

struct Value;
using ValuePtr = Value*; // all go with the request
template <class T>
using In = allot::Allocator<T, allot::Region>;
using Text = std::basic_string<char, std::char_traits<char>, In<char>>;
using Elements = std::vector<ValuePtr, In<ValuePtr>>;
using Members = std::map<Text, ValuePtr, std::less<>, In<std::pair<const Text, ValuePtr>>>;

struct Value {
  explicit Value(allot::Region& memory) : text(memory), elements(memory), members(memory) {}

  double number = 0;
  Text text;
  Elements elements;
  Members members;
};

class Parser {
public:
  Parser(allot::Region& memory, std::string_view text) : memory_(memory), rest_(text) {}

  ValuePtr value() {
    auto result = new (memory_.allocate(sizeof(Value))) Value(memory_);
    switch (next()) {
    case '{':
      for (take(); next() != '}';) {
        Text name = text();
        result->members.emplace(std::move(name), value());
      }
      take();
      break;
    case '[':
      for (take(); next() != ']';)
        result->elements.push_back(value());
      take();
      break;
    case '"':
      result->text = text();
      break;
    default: {
      const char* const end = rest_.data() + rest_.size();
      const char* const after = std::from_chars(rest_.data(), end, result->number).ptr;
      rest_ = {after, end};
    }
    }
    return result;
  }

private:
  Text text() {
    Text result(memory_);
    for (take(); rest_.front() != '"'; take())
      result += rest_.front();
    take();
    return result;
  }
  char next() {
    rest_.remove_prefix(rest_.find_first_not_of(" ,:"));
    return rest_.front();
  }
  void take() { rest_.remove_prefix(1); }

  allot::Region& memory_;
  std::string_view rest_;
};

double weight(const Value& value) {
  double sum = value.number + static_cast<double>(value.text.size());
  for (const auto& element : value.elements)
    sum += weight(*element);
  for (const auto& [name, member] : value.members)
    sum += static_cast<double>(name.size()) + weight(*member);
  return sum;
}

std::unordered_map<std::string, int> requests_by_name;

double handle_request(allot::Region& memory, std::string_view document) {
  const ValuePtr request = Parser(memory, document).value();
  const std::string_view name = request->members.find("name")->second->text;
  ++requests_by_name[std::string(name)];
  return weight(*request);
}

} // namespace

int main(int argc, char** argv) {
  const std::size_t requests = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const auto documents = make_documents(1000);
  allot::Region memory({.zero = false});
  double sum = 0;
  for (std::size_t i = 0; i != requests; ++i) {
    sum += handle_request(memory, documents[i % documents.size()]);
    memory.reset();
  }
  std::printf("%zu requests by %zu clients weigh %.2f\n", requests, requests_by_name.size(), sum);
}
