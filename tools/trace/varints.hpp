// A cursor over a payload: what it reads must be there.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "format.hpp"
#include "reader.hpp"

namespace trace {

class Varints {
public:
  explicit Varints(std::vector<std::uint8_t> payload) : payload_(std::move(payload)) {}

  bool at_end() const { return at_ == payload_.size(); }

  std::uint64_t number() {
    std::uint64_t n;
    const std::uint8_t* const begin = payload_.data() + at_;
    const std::uint8_t* const end = get(begin, payload_.data() + payload_.size(), n);
    if (end == nullptr)
      throw Error("damaged: a number that does not end");
    at_ += static_cast<std::size_t>(end - begin);
    return n;
  }

  std::string text(std::size_t most) {
    const std::uint64_t length = number();
    if (length > most || length > payload_.size() - at_)
      throw Error("damaged: a text that is too long");
    std::string text(reinterpret_cast<const char*>(payload_.data()) + at_,
                     static_cast<std::size_t>(length));
    at_ += text.size();
    return text;
  }

private:
  std::vector<std::uint8_t> payload_;
  std::size_t at_ = 0;
};

} // namespace trace
