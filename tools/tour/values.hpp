// What a job found, value by value. Timed runs only fold each value into a checksum, so that it has
// been touched; compared runs write all of them down.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tour {

class Values {
public:
  enum class Keep { checksum, everything };
  explicit Values(Keep keep) : kept_(keep == Keep::everything) {}

  void number(std::uint64_t value) {
    fold(value);
    if (kept_) [[unlikely]]
      write_down({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void text(std::string_view value) {
    fold(value.size() + (value.empty() ? 0 : static_cast<unsigned char>(value.back())));
    if (kept_) [[unlikely]]
      write_down(value);
  }

  [[nodiscard]] std::uint64_t checksum() const { return checksum_; }
  /// How many values were written down.
  [[nodiscard]] std::size_t count() const { return ends_.size(); }

  /// The number of the first value that `other` has not, or has differently.
  [[nodiscard]] std::optional<std::size_t> first_difference(const Values& other) const {
    const std::size_t common = std::min(count(), other.count());
    for (std::size_t i = 0; i != common; ++i)
      if (at(i) != other.at(i))
        return i;
    return count() == other.count() ? std::nullopt : std::optional(common);
  }

private:
  void fold(std::uint64_t value) {
    checksum_ = (std::rotl(checksum_, 5) ^ value) * 0x9E3779B97F4A7C15;
  }
  void write_down(std::string_view bytes) {
    bytes_ += bytes;
    ends_.push_back(bytes_.size());
  }
  [[nodiscard]] std::string_view at(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

  std::uint64_t checksum_ = 0;
  bool kept_;
  std::string bytes_; // of all values, one behind the other
  std::vector<std::size_t> ends_;
};

} // namespace tour
