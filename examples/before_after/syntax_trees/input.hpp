// The statements: assignments of expressions, the same ones in every run.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

class Statements {
public:
  std::string make() {
    statement_.clear();
    variable();
    statement_ += '=';
    expression(9);
    return statement_;
  }

private:
  void expression(int depth) {
    const std::size_t kind = depth <= 0 ? below(2) : below(10);
    if (kind == 0) {
      statement_ += std::to_string(below(4096));
    } else if (kind == 1) {
      variable();
    } else if (kind < 8) {
      statement_ += '(';
      expression(depth - 1);
      statement_ += "+-*/"[below(4)];
      expression(depth - 1);
      statement_ += ')';
    } else {
      statement_ += "?(";
      expression(depth - 2);
      statement_ += ',';
      expression(depth - 1);
      statement_ += ',';
      expression(depth - 1);
      statement_ += ')';
    }
  }
  void variable() {
    statement_ += static_cast<char>('a' + below(26));
    statement_ += static_cast<char>('a' + below(26));
  }
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::minstd_rand random_;
  std::string statement_;
};

inline std::vector<std::string> make_statements(std::size_t count) {
  Statements statements;
  std::vector<std::string> all;
  while (all.size() != count)
    all.push_back(statements.make());
  return all;
}
