// json_documents [REQUESTS]: each request is a JSON document that is read into a tree, weighed, and
// dropped. Who asked is counted in a table that lives on.
#include "input.hpp"

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
using ValuePtr = std::unique_ptr<Value>;
using Text = std::string;
using Elements = std::vector<ValuePtr>;
using Members = std::map<Text, ValuePtr, std::less<>>;

struct Value {
  double number = 0;
  Text text;
  Elements elements;
  Members members;
};

class Parser {
public:
  explicit Parser(std::string_view text) : rest_(text) {}

  ValuePtr value() {
    auto result = std::make_unique<Value>();
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
    Text result;
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

double handle_request(std::string_view document) {
  const ValuePtr request = Parser(document).value();
  const std::string_view name = request->members.find("name")->second->text;
  ++requests_by_name[std::string(name)];
  return weight(*request);
}

} // namespace

int main(int argc, char** argv) {
  const std::size_t requests = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const auto documents = make_documents(1000);
  double sum = 0;
  for (std::size_t i = 0; i != requests; ++i)
    sum += handle_request(documents[i % documents.size()]);
  std::printf("%zu requests by %zu clients weigh %.2f\n", requests, requests_by_name.size(), sum);
}
