// A cache of the names and strings that were used last.
#include "jobs.hpp"

#include <allot/block_pool.hpp>

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace tour {
namespace {

constexpr std::size_t capacity = 1024;

struct Entry {
  std::string_view text;
  std::uint64_t uses;
  Entry* newer;
  Entry* older;
  Entry* next_in_bucket;
};

/// `Memory` has `Entry* make(Entry)` and `drop(Entry*)`.
template <class Memory>
class Cache {
public:
  explicit Cache(Memory& memory) : memory_(memory), buckets_(2 * capacity) {}

  void use(std::string_view text, Values& values) {
    for (Entry* entry = bucket(text); entry != nullptr; entry = entry->next_in_bucket) {
      if (entry->text == text) {
        ++entry->uses;
        unlink(entry);
        link_as_newest(entry);
        return;
      }
    }
    if (size_ == capacity)
      drop_oldest(values);
    Entry*& first = bucket(text);
    first = memory_.make({text, 1, nullptr, nullptr, first});
    link_as_newest(first);
    ++size_;
  }

  void drop_all(Values& values) {
    while (size_ != 0)
      drop_oldest(values);
  }

private:
  Entry*& bucket(std::string_view text) {
    return buckets_[std::hash<std::string_view>()(text) % (2 * capacity)];
  }
  void unlink(Entry* entry) {
    (entry->newer != nullptr ? entry->newer->older : newest_) = entry->older;
    (entry->older != nullptr ? entry->older->newer : oldest_) = entry->newer;
  }
  void link_as_newest(Entry* entry) {
    entry->newer = nullptr;
    entry->older = newest_;
    (newest_ != nullptr ? newest_->newer : oldest_) = entry;
    newest_ = entry;
  }
  void drop_oldest(Values& values) {
    Entry* const entry = oldest_;
    values.text(entry->text);
    values.number(entry->uses);
    unlink(entry);
    Entry** link = &bucket(entry->text);
    while (*link != entry)
      link = &(*link)->next_in_bucket;
    *link = entry->next_in_bucket;
    memory_.drop(entry);
    --size_;
  }

  Memory& memory_;
  std::vector<Entry*> buckets_;
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
  std::size_t size_ = 0;
};

template <class Memory>
void use_all(const Input& input, Memory& memory, Values& values) {
  Cache cache(memory);
  for (const Token& token : input.tokens)
    if (token.kind == '"')
      cache.use(input.text_of(token), values);
  cache.drop_all(values);
}

Job::Turn with_strategy(const Input& input) {
  struct Memory {
    allot::BlockPool pool;
    Entry* make(const Entry& entry) { return pool.create<Entry>(entry); }
    void drop(Entry* entry) { pool.destroy(entry); }
  };
  const auto memory = std::make_shared<Memory>(Memory{
      allot::BlockPool(sizeof(Entry), capacity, {.zero = false, .order = allot::Order::any})});
  return [&input, memory](Values& values) { use_all(input, *memory, values); };
}

Job::Turn with_malloc(const Input& input) {
  return [&input](Values& values) {
    struct {
      Entry* make(const Entry& entry) { return new Entry(entry); }
      void drop(Entry* entry) { delete entry; }
    } memory;
    use_all(input, memory, values);
  };
}

} // namespace

constinit const Job block_pool_job{"block pool",
                                   "an LRU cache of 1024 strings",
                                   "new and delete",
                                   with_strategy,
                                   with_malloc,
                                   "one size: nothing to search",
                                   "few misses: hashing is the work",
                                   "sizes that vary"};

} // namespace tour
