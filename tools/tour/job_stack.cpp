// Matching brackets, and the commas between them.
#include "jobs.hpp"

#include <allot/stack.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tour {
namespace {

struct Comma {
  std::size_t offset;
};

void add_pair(const Token& open, const Token& close, std::span<const Comma> commas,
              Values& values) {
  values.number(open.offset);
  values.number(close.offset);
  values.number((open.kind == '{') == (close.kind == '}'));
  for (const Comma& comma : commas)
    values.number(comma.offset);
}

// An open bracket, a mark, and the commas since; a closing bracket goes back to the mark.
void match_on(allot::Stack& stack, const Input& input, Values& values) {
  struct Open {
    const Token* token;
    Open* outer;
    allot::Marker mark = allot::Marker();
    std::size_t used = 0; // at the mark
  };
  Open* open = nullptr; // the innermost
  for (const Token& token : input.tokens) {
    switch (token.kind) {
    case '{':
    case '[': {
      void* const pushed = stack.push(Open{.token = &token, .outer = open}).data();
      open = static_cast<Open*>(pushed);
      open->mark = stack.mark();
      open->used = stack.used();
      break;
    }
    case ',':
      stack.push(Comma{token.offset});
      break;
    case '}':
    case ']': {
      const void* const first = open + 1;
      // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): in a checked document brackets match
      add_pair(*open->token, token,
               {static_cast<const Comma*>(first), (stack.used() - open->used) / sizeof(Comma)},
               values);
      stack.restore(open->mark);
      open = open->outer;
      stack.pop(sizeof(Open)); // and the mark with it
      break;
    }
    default:
      break;
    }
  }
}

Job::Turn with_strategy(const Input& input) {
  constexpr std::size_t open_bytes =
      2 * sizeof(void*) + sizeof(allot::Marker) + sizeof(std::size_t);
  const auto stack = std::make_shared<allot::Stack>(
      input.depth * open_bytes + input.most_commas * sizeof(Comma) + allot::granule,
      allot::Options{.zero = false});
  return [&input, stack](Values& values) { match_on(*stack, input, values); };
}

Job::Turn with_malloc(const Input& input) {
  struct Open {
    const Token* token;
    std::size_t first_comma;
  };
  struct Vectors {
    std::vector<Open> opens;
    std::vector<Comma> commas;
  };
  const auto kept = std::make_shared<Vectors>();
  kept->opens.reserve(input.depth);
  kept->commas.reserve(input.most_commas);
  return [&input, kept](Values& values) {
    auto& [opens, commas] = *kept;
    for (const Token& token : input.tokens) {
      switch (token.kind) {
      case '{':
      case '[':
        opens.push_back({&token, commas.size()});
        break;
      case ',':
        commas.push_back({token.offset});
        break;
      case '}':
      case ']': {
        const Open open = opens.back();
        add_pair(*open.token, token, std::span(commas).subspan(open.first_comma), values);
        commas.resize(open.first_comma);
        opens.pop_back();
        break;
      }
      default:
        break;
      }
    }
  };
}

} // namespace

constinit const Job stack_job{"stack",
                              "brackets and commas matched",
                              "two reserved std::vectors",
                              with_strategy,
                              with_malloc,
                              "all sizes in one place",
                              "each mark is checked",
                              "what goes in another order"};

} // namespace tour
