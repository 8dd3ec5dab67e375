// All names and strings interned: each text is kept once, and known by its number.
#include "jobs.hpp"

#include <allot/bump.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

namespace tour {
namespace {

/// Its text lies behind it.
struct Name {
  std::size_t size;
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(this + 1), size};
  }
};

/// `Memory` has `void* allocate(bytes)`.
template <class Memory>
class Names {
public:
  Names(Memory& memory, std::size_t most)
      : memory_(memory), slots_(std::bit_ceil(2 * most + 1), none) {}

  /// The number of the name with this text.
  std::uint32_t intern(std::string_view text) {
    for (std::size_t at = std::hash<std::string_view>()(text);; ++at) {
      std::uint32_t& number = slots_[at & (slots_.size() - 1)];
      if (number == none) {
        number = static_cast<std::uint32_t>(names_.size());
        names_.push_back(make(text));
        return number;
      }
      if (names_[number]->text() == text)
        return number;
    }
  }
  [[nodiscard]] const std::vector<Name*>& all() const { return names_; }

private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  Name* make(std::string_view text) {
    void* const p = memory_.allocate(sizeof(Name) + text.size());
    auto* const name = ::new (p) Name{text.size()};
    text.copy(reinterpret_cast<char*>(name + 1), text.size());
    return name;
  }

  Memory& memory_;
  std::vector<std::uint32_t> slots_; // a hash table with open addressing
  std::vector<Name*> names_;         // by number
};

template <class Memory>
void intern_all(const Input& input, Names<Memory>& names, Values& values) {
  for (const Token& token : input.tokens) {
    if (token.kind != '"')
      continue;
    const std::uint32_t number = names.intern(input.text_of(token));
    values.number(number);
    values.text(names.all()[number]->text());
  }
}

Job::Turn with_strategy(const Input& input) {
  const std::size_t most =
      input.string_bytes + input.strings * (sizeof(Name) + allot::granule - 1) + allot::granule;
  const auto bump = std::make_shared<allot::Bump>(most, allot::Options{.zero = false});
  return [&input, bump](Values& values) {
    Names names(*bump, input.strings);
    intern_all(input, names, values);
    bump->reset();
  };
}

Job::Turn with_malloc(const Input& input) {
  return [&input](Values& values) {
    struct {
      void* allocate(std::size_t bytes) { return ::operator new(bytes); }
    } heap;
    Names names(heap, input.strings);
    intern_all(input, names, values);
    for (Name* name : names.all())
      ::operator delete(name);
  };
}

} // namespace

constinit const Job bump_job{"bump",
                             "names and strings interned",
                             "operator new for each text",
                             with_strategy,
                             with_malloc,
                             "no headers, nothing to free",
                             "few new texts: hashing is all",
                             "objects with destructors"};

} // namespace tour
