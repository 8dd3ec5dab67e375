#include <allot/json.hpp>
#include <allot/stats.hpp>

#include <cstdarg>
#include <cstdio>
#include <ostream>

namespace allot {
inline namespace ALLOT_ABI {

namespace detail {

struct Units {
  char text[160];
};

// The bytes of a strategy, behind what it says of its own units.
Description describe_all(const Stats& memory, const Units& units) noexcept {
  Description line;
  std::snprintf(line.text, sizeof line.text,
                "%.63s: %s%zu of %zu bytes used, %zu left, peak %zu, %zu held", memory.name,
                units.text, memory.used, memory.capacity, memory.available, memory.peak,
                memory.committed);
  return line;
}

// A JSON object without its closing brace, so that more members may follow.
std::string open_json(const Stats& stats) {
  std::string json = "{\"name\":\"";
  for (const char* c = stats.name; *c != 0; ++c) {
    const auto byte = static_cast<unsigned char>(*c);
    if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      json += escape;
      continue;
    }
    if (*c == '"' || *c == '\\')
      json += '\\';
    json += *c;
  }
  json += '"';
  return json;
}
void add(std::string& json, const char* key, const std::string& value) {
  json.append(",\"").append(key).append("\":").append(value);
}
void add(std::string& json, const char* key, std::size_t value) {
  add(json, key, std::to_string(value));
}

} // namespace detail

Description describe(const Stats& stats) noexcept {
  return detail::describe_all(stats, {""});
}

Description describe(const BlockPoolStats& stats) noexcept {
  detail::Units units;
  std::snprintf(units.text, sizeof units.text, "%zu of %zu blocks in use (%.0f %%); ", stats.used,
                stats.total, stats.utilization * 100);
  return detail::describe_all(stats.memory, units);
}

Description describe(const ObjectPoolStats& stats) noexcept {
  detail::Units units;
  std::snprintf(units.text, sizeof units.text,
                "%zu objects in use, %zu available, %zu ever made, %zu expected; ", stats.in_use,
                stats.available, stats.total_allocated, stats.capacity);
  return detail::describe_all(stats.memory, units);
}

Description describe(const RegionStats& stats) noexcept {
  detail::Units units;
  std::snprintf(units.text, sizeof units.text, "%zu arenas, %zu of %zu bytes of the current one; ",
                stats.arenas, stats.current_arena_used, stats.current_arena_size);
  return detail::describe_all(stats.memory, units);
}

Description describe(const ClassStats& stats) noexcept {
  Description line;
  std::snprintf(line.text, sizeof line.text, "blocks of %zu bytes: %zu in use, %zu available",
                stats.block_bytes, stats.used, stats.available);
  return line;
}

std::ostream& operator<<(std::ostream& out, const Stats& stats) {
  return out << describe(stats).text;
}
std::ostream& operator<<(std::ostream& out, const BlockPoolStats& stats) {
  return out << describe(stats).text;
}
std::ostream& operator<<(std::ostream& out, const ObjectPoolStats& stats) {
  return out << describe(stats).text;
}
std::ostream& operator<<(std::ostream& out, const RegionStats& stats) {
  return out << describe(stats).text;
}
std::ostream& operator<<(std::ostream& out, const ClassStats& stats) {
  return out << describe(stats).text;
}

std::string to_json(const Stats& stats) {
  std::string json = detail::open_json(stats);
  detail::add(json, "capacity", stats.capacity);
  detail::add(json, "used", stats.used);
  detail::add(json, "available", stats.available);
  detail::add(json, "peak", stats.peak);
  detail::add(json, "committed", stats.committed);
  return json + "}";
}

std::string to_json(const BlockPoolStats& stats) {
  // As whole numbers, since a locale may have a comma for the point.
  const auto millionths = static_cast<std::size_t>(stats.utilization * 1e6 + 0.5);
  char utilization[32];
  std::snprintf(utilization, sizeof utilization, "%zu.%06zu", millionths / 1000000,
                millionths % 1000000);
  std::string json = detail::open_json(stats.memory);
  detail::add(json, "total", stats.total);
  detail::add(json, "used", stats.used);
  detail::add(json, "free", stats.free);
  detail::add(json, "utilization", std::string(utilization));
  detail::add(json, "memory", to_json(stats.memory));
  return json + "}";
}

std::string to_json(const ObjectPoolStats& stats) {
  std::string json = detail::open_json(stats.memory);
  detail::add(json, "available", stats.available);
  detail::add(json, "in_use", stats.in_use);
  detail::add(json, "total_allocated", stats.total_allocated);
  detail::add(json, "capacity", stats.capacity);
  detail::add(json, "memory", to_json(stats.memory));
  return json + "}";
}

std::string to_json(const RegionStats& stats) {
  std::string json = detail::open_json(stats.memory);
  detail::add(json, "arenas", stats.arenas);
  detail::add(json, "total_allocated", stats.total_allocated);
  detail::add(json, "current_arena_used", stats.current_arena_used);
  detail::add(json, "current_arena_size", stats.current_arena_size);
  detail::add(json, "memory", to_json(stats.memory));
  return json + "}";
}

std::string to_json(const ClassStats& stats) {
  std::string json = "{\"block_bytes\":" + std::to_string(stats.block_bytes);
  detail::add(json, "used", stats.used);
  detail::add(json, "available", stats.available);
  return json + "}";
}

} // namespace ALLOT_ABI
} // namespace allot
