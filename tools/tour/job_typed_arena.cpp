// A table of the document's nodes, which refer to each other by index.
#include "jobs.hpp"

#include <allot/typed_arena.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace tour {
namespace {

using Index = std::uint32_t;
constexpr Index none = 0xFFFFFFFF;

struct Node {
  Token token;
  Index parent;
  Index next = none; // sibling
  Index newest_child = none;
};

template <class Table>
void link_nodes(const Input& input, Table& table, Values& values) {
  Index parent = none;
  for (const Token& token : input.tokens) {
    switch (token.kind) {
    case ',':
    case ':':
      continue;
    case '}':
    case ']':
      parent = table[parent].parent;
      continue;
    default:
      break;
    }
    const Index node = table.add({.token = token, .parent = parent});
    if (parent != none) {
      if (const Index elder = table[parent].newest_child; elder != none)
        table[elder].next = node;
      table[parent].newest_child = node;
    }
    if (token.kind == '{' || token.kind == '[')
      parent = node;
  }

  for (Index i = 0; i != input.nodes; ++i) {
    values.text(input.text_of(table[i].token));
    values.number(table[i].parent);
    values.number(table[i].next);
  }
}

Job::Turn with_strategy(const Input& input) {
  struct Table {
    allot::TypedArena<Node> nodes;
    Index add(const Node& node) { return static_cast<Index>(nodes.create(node).index); }
    Node& operator[](Index i) { return nodes[i]; }
  };
  const auto table = std::make_shared<Table>(Table{allot::TypedArena<Node>(input.nodes)});
  return [&input, table](Values& values) {
    link_nodes(input, *table, values);
    table->nodes.reset();
  };
}

Job::Turn with_malloc(const Input& input) {
  struct Table {
    std::vector<Node> nodes;
    Index add(const Node& node) {
      nodes.push_back(node);
      return static_cast<Index>(nodes.size() - 1);
    }
    Node& operator[](Index i) { return nodes[i]; }
  };
  const auto table = std::make_shared<Table>();
  table->nodes.reserve(input.nodes);
  return [&input, table](Values& values) {
    link_nodes(input, *table, values);
    table->nodes.clear();
  };
}

} // namespace

constinit const Job typed_arena_job{"typed arena",
                                    "nodes in a table, by index",
                                    "a reserved std::vector",
                                    with_strategy,
                                    with_malloc,
                                    "no growth to look out for",
                                    "each index is checked",
                                    "elements of several types"};

} // namespace tour
