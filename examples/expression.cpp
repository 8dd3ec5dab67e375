// A parser whose tree lies in a typed arena: nodes refer to each other by index, and all of them go
// at once. Prints "2 + 3 * (4 - 1) = 11 in 7 nodes".
#include <allot/typed_arena.hpp>

#include <cstddef>
#include <iostream>
#include <string_view>

namespace {

struct Node {
  char operation; // '#' for a number
  int number;
  std::size_t left;
  std::size_t right;
};

class Parser {
public:
  Parser(std::string_view text, allot::TypedArena<Node>& nodes) : text_(text), nodes_(nodes) {}

  std::size_t sum() { return chain("+-", &Parser::product); }

private:
  std::size_t product() { return chain("*/", &Parser::atom); }

  std::size_t chain(std::string_view operations, std::size_t (Parser::*operand)()) {
    std::size_t left = (this->*operand)();
    while (operations.find(peek()) != std::string_view::npos) {
      const char operation = take();
      const std::size_t right = (this->*operand)();
      left = nodes_.create(Node{operation, 0, left, right}).index;
    }
    return left;
  }

  std::size_t atom() {
    if (peek() == '(') {
      take();
      const std::size_t inside = sum();
      take(); // the closing parenthesis
      return inside;
    }
    int number = 0;
    while (peek() >= '0' && peek() <= '9')
      number = number * 10 + (take() - '0');
    return nodes_.create(Node{'#', number, 0, 0}).index;
  }

  char peek() {
    while (!text_.empty() && text_.front() == ' ')
      text_.remove_prefix(1);
    return text_.empty() ? '\0' : text_.front();
  }
  char take() {
    const char next = peek();
    text_.remove_prefix(1);
    return next;
  }

  std::string_view text_;
  allot::TypedArena<Node>& nodes_;
};

int value(const allot::TypedArena<Node>& nodes, std::size_t index) {
  const Node& node = nodes[index];
  if (node.operation == '#')
    return node.number;
  const int left = value(nodes, node.left);
  const int right = value(nodes, node.right);
  switch (node.operation) {
  case '+':
    return left + right;
  case '-':
    return left - right;
  case '*':
    return left * right;
  default:
    return left / right;
  }
}

} // namespace

int main() {
  constexpr std::string_view text = "2 + 3 * (4 - 1)";
  allot::TypedArena<Node> nodes(100);
  const std::size_t root = Parser(text, nodes).sum();
  std::cout << text << " = " << value(nodes, root) << " in " << nodes.used() << " nodes\n";
  return value(nodes, root) == 11 ? 0 : 1;
}
