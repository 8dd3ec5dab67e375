#include "places.hpp"

#include <cstring>

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include "../../preload/build_id.hpp"

namespace record {
namespace {

using preload::Bytes;

std::uint8_t* put_bytes(std::uint8_t* at, Bytes bytes) {
  at = trace::put(at, bytes.count);
  if (bytes.count != 0)
    std::memcpy(at, bytes.begin, bytes.count);
  return at + bytes.count;
}

// Whether it is a place in this library.
bool is_own(std::uint64_t ip) {
  static const char here = 0;
  dl_find_object object;
  return _dl_find_object(const_cast<char*>(&here), &object) == 0 && // NOLINT: as it wants it
         ip >= reinterpret_cast<std::uint64_t>(object.dlfo_map_start) &&
         ip < reinterpret_cast<std::uint64_t>(object.dlfo_map_end);
}

// The module's path, absolute; `room` has path_bytes.
constexpr std::size_t path_bytes = 4096;
Bytes path_of(const link_map& map, char* room) {
  const char* const name = map.l_name;
  if (!name || !*name) {
    const ssize_t n = ::readlink("/proc/self/exe", room, path_bytes);
    return {room, n > 0 ? static_cast<std::size_t>(n) : 0};
  }
  const std::size_t n = std::strlen(name);
  if (*name == '/' || n >= path_bytes / 2 || !::getcwd(room, path_bytes / 2))
    return {name, n < path_bytes ? n : 0};
  std::size_t used = std::strlen(room);
  room[used++] = '/';
  std::memcpy(room + used, name, n);
  return {room, used + n};
}

} // namespace

bool Places::start(Segment* segment) {
  lock_.unlock(); // of a thread that a fork left behind
  const Locked locked(lock_);
  segment_ = segment;
  if (!recent_)
    recent_ = static_cast<std::atomic<std::uint64_t>*>(fresh_memory(recent_bytes));
  if (!recent_)
    return false;
  forget();
  return true;
}

std::uint64_t Places::learn_rule(std::uint64_t ip, bool exact) {
  const bool own = is_own(ip);
  Rule learnt = preload::learn(ip, exact);
  if (own && (learnt.kind == Rule::sp || learnt.kind == Rule::bp))
    learnt.kind = learnt.kind == Rule::sp ? Rule::own_sp : Rule::own_bp;
  const std::uint64_t rule = learnt.packed();
  const std::uint64_t key = ip | (exact ? exactly : 0);
  const Locked locked(lock_);
  if (rules_.find(hash(ip), key, 0) == 0) {
    if (!own)
      note_module(ip);
    rules_.add(hash(ip), key, rule,
               [](std::uint64_t k, std::uint64_t) { return hash(k & ~exactly); });
  }
  return rule;
}

std::uint32_t Places::new_context(std::uint32_t parent, std::uint64_t ip, std::uint32_t into) {
  const std::uint64_t tagged = std::uint64_t{parent} << 32;
  const Locked locked(lock_);
  const std::uint64_t known = contexts_.find(hash(ip, parent), ip, tagged);
  if (known != 0)
    return static_cast<std::uint32_t>(known);
  const std::uint32_t count = segment_->contexts.load(std::memory_order_relaxed);
  if (count == trace::max_contexts) {
    segment_->homeless.fetch_add(1, std::memory_order_relaxed);
    return parent;
  }
  auto* const contexts =
      reinterpret_cast<Context*>(reinterpret_cast<char*>(segment_) + contexts_at);
  contexts[count] = {ip, parent, into};
  segment_->contexts.store(count + 1, std::memory_order_release);
  contexts_.add(hash(ip, parent), ip, tagged | (count + 1), [](std::uint64_t k, std::uint64_t v) {
    return hash(k, static_cast<std::uint32_t>(v >> 32));
  });
  return count + 1;
}

void Places::note_module(std::uint64_t ip) {
  for (unsigned i = 0; i < modules_; ++i)
    if (ip >= known_[i].begin && ip < known_[i].end)
      return;
  dl_find_object object;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (modules_ == max_known || _dl_find_object(reinterpret_cast<void*>(ip - 1), &object) != 0)
    return;
  const auto begin = reinterpret_cast<std::uint64_t>(object.dlfo_map_start);
  const auto end = reinterpret_cast<std::uint64_t>(object.dlfo_map_end);
  known_[modules_++] = {begin, end, object.dlfo_link_map};

  static char room[path_bytes]; // the lock is held
  const Bytes id = preload::build_id(object);
  const Bytes path = path_of(*object.dlfo_link_map, room);
  const std::uint32_t used = segment_->modules.load(std::memory_order_relaxed);
  if (used + 5 * std::size_t{10} + id.count + path.count > modules_bytes)
    return;
  auto* const area = reinterpret_cast<std::uint8_t*>(segment_) + modules_at;
  std::uint8_t* at = area + used;
  at = trace::put(at, begin);
  at = trace::put(at, end);
  at = trace::put(at, object.dlfo_link_map->l_addr);
  at = put_bytes(at, id);
  at = put_bytes(at, path);
  segment_->modules.store(static_cast<std::uint32_t>(at - area), std::memory_order_release);
}

void Places::forget() {
  rules_.forget();
  contexts_.forget();
  ::madvise(recent_, recent_bytes, MADV_DONTNEED);
  modules_ = 0; // so that they are noted again
}

void Places::forget_unloaded() {
  const Locked locked(lock_);
  for (unsigned i = 0; i < modules_; ++i) {
    dl_find_object object;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (_dl_find_object(reinterpret_cast<void*>(known_[i].begin), &object) == 0 &&
        object.dlfo_link_map == known_[i].map &&
        reinterpret_cast<std::uint64_t>(object.dlfo_map_end) == known_[i].end)
      continue;
    forget();
    return;
  }
}

} // namespace record
