// RapidJSON on a strategy's memory, and a DOM's values one by one.
#pragma once

#include "values.hpp"

#include <rapidjson/document.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tour {

/// A RapidJSON allocator on a strategy that takes everything back at once.
template <class Strategy>
class AllocatorOn {
public:
  static constexpr bool kNeedFree = false;
  AllocatorOn() = default; // RapidJSON mentions it, for documents that are given no allocator
  explicit AllocatorOn(Strategy& strategy) : strategy_(&strategy) {}

  void* Malloc(std::size_t bytes) {
    return bytes == 0 ? nullptr : strategy_->allocate(bytes); // null for nothing, as RapidJSON's do
  }
  void* Realloc(void* p, std::size_t old_bytes, std::size_t new_bytes) {
    return new_bytes == 0 ? nullptr : strategy_->reallocate(p, old_bytes, new_bytes);
  }
  static void Free(void*) {}

private:
  Strategy* strategy_ = nullptr;
};

// Not the recursive parser, whose depth the stack limits.
inline constexpr unsigned parse_flags = rapidjson::kParseIterativeFlag;

/// Adds all values below a DOM's node, in the order of the document.
template <class Value>
void add_all(const Value& value, Values& values) {
  struct {
    Values& values;
    bool text(std::string_view value) { return values.text(value), true; }
    bool number(std::uint64_t value) { return values.number(value), true; }

    bool Null() { return text("null"); }
    bool Bool(bool value) { return text(value ? "true" : "false"); }
    bool Int(std::int32_t value) { return Int64(value); }
    bool Uint(std::uint32_t value) { return number(value); }
    bool Int64(std::int64_t value) { return number(static_cast<std::uint64_t>(value)); }
    bool Uint64(std::uint64_t value) { return number(value); }
    bool Double(double value) { return number(std::bit_cast<std::uint64_t>(value)); }
    bool RawNumber(const char* p, rapidjson::SizeType size, bool) { return text({p, size}); }
    bool String(const char* p, rapidjson::SizeType size, bool) { return text({p, size}); }
    bool Key(const char* p, rapidjson::SizeType size, bool) { return text({p, size}); }
    bool StartObject() { return text("{"); }
    bool EndObject(rapidjson::SizeType members) { return number(members); }
    bool StartArray() { return text("["); }
    bool EndArray(rapidjson::SizeType elements) { return number(elements); }
  } handler{values};
  value.Accept(handler);
}

} // namespace tour
