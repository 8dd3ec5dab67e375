// syntax_trees [STATEMENTS]: each statement assigns an expression, which is read into a tree,
// folded where it is constant, evaluated, and dropped. Variables live on.
#include "input.hpp"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  virtual ~Node() = default;
  [[nodiscard]] virtual double value() const = 0;
  [[nodiscard]] virtual bool constant() const { return false; }
};

struct Number : Node {
  explicit Number(double n) : number(n) {}
  [[nodiscard]] double value() const override { return number; }
  [[nodiscard]] bool constant() const override { return true; }

  double number;
};

struct Variable : Node {
  explicit Variable(const double& p) : place(p) {}
  [[nodiscard]] double value() const override { return place; }

  const double& place;
};

double result_of(char operation, double left, double right) {
  switch (operation) {
  case '+':
    return left + right;
  case '-':
    return left - right;
  case '*':
    return left * right;
  default:
    return right != 0 ? left / right : 0;
  }
}

struct Operation : Node {
  Operation(char s, NodePtr l, NodePtr r) : sign(s), left(std::move(l)), right(std::move(r)) {}
  [[nodiscard]] double value() const override {
    return result_of(sign, left->value(), right->value());
  }

  char sign;
  NodePtr left;
  NodePtr right;
};

struct Choice : Node {
  Choice(NodePtr c, NodePtr f, NodePtr s)
      : condition(std::move(c)), first(std::move(f)), second(std::move(s)) {}
  [[nodiscard]] double value() const override {
    return condition->value() > 0 ? first->value() : second->value();
  }

  NodePtr condition;
  NodePtr first;
  NodePtr second;
};

std::map<std::string, double> variables;

class Parser {
public:
  explicit Parser(std::string_view text) : rest_(text) {}

  NodePtr sum() { return chain("+-", &Parser::product); }

private:
  NodePtr product() { return chain("*/", &Parser::atom); }

  NodePtr chain(std::string_view signs, NodePtr (Parser::*operand)()) {
    NodePtr left = (this->*operand)();
    while (signs.find(next()) != std::string_view::npos) {
      const char sign = take();
      NodePtr right = (this->*operand)();
      if (left->constant() && right->constant())
        left = std::make_unique<Number>(result_of(sign, left->value(), right->value()));
      else
        left = std::make_unique<Operation>(sign, std::move(left), std::move(right));
    }
    return left;
  }

  NodePtr atom() {
    if (next() == '(')
      return inside();
    if (next() == '?') { // ?(condition,first,second)
      take();
      NodePtr condition = inside();
      NodePtr first = inside();
      NodePtr second = inside();
      return std::make_unique<Choice>(std::move(condition), std::move(first), std::move(second));
    }
    if (next() >= 'a') {
      std::string name;
      while (next() >= 'a')
        name += take();
      return std::make_unique<Variable>(variables[name]);
    }
    double number = 0;
    const char* const end = rest_.data() + rest_.size();
    const char* const after = std::from_chars(rest_.data(), end, number).ptr;
    rest_ = {after, end};
    return std::make_unique<Number>(number);
  }

  /// An expression after a parenthesis or a comma.
  NodePtr inside() {
    take();
    NodePtr result = sum();
    if (next() == ')')
      take();
    return result;
  }

  [[nodiscard]] char next() const { return rest_.empty() ? '\0' : rest_.front(); }
  char take() {
    const char first = next();
    rest_.remove_prefix(1);
    return first;
  }

  std::string_view rest_;
};

void run_statement(std::string_view text) {
  const std::size_t sign = text.find('=');
  double& target = variables[std::string(text.substr(0, sign))];
  const NodePtr tree = Parser(text.substr(sign + 1)).sum();
  const double value = tree->value();
  target = std::abs(value) < 1e9 ? value : 1;
}

} // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const auto statements = make_statements(1000);
  for (std::size_t i = 0; i != count; ++i)
    run_statement(statements[i % statements.size()]);
  double sum = 0;
  for (const auto& [name, value] : variables)
    sum += value;
  std::printf("%zu statements leave %zu variables, together %g\n", count, variables.size(), sum);
}
