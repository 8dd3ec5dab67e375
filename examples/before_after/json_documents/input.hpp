// The requests: JSON documents of a few hundred bytes, the same ones in every run.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

class Documents {
public:
  std::string make() {
    document_ = R"({"name": ")";
    one_of({"Ada Lovelace ", "Alan Turing ", "Grace Hopper ", "Donald Knuth "});
    number(100);
    document_ += R"(", "roles": ["reader", "writer of long reports", "owner"], "address": {)";
    document_ += R"("street": "A long street )";
    number(300);
    document_ += R"(", "code": )";
    number(100000);
    document_ += R"(}, "orders": [)";
    for (std::size_t left = 1 + below(4); left != 0; --left) {
      document_ += R"({"article": ")";
      one_of({"a fountain pen with blue ink", "pencils by the dozen", "ruled paper", "an eraser"});
      document_ += R"(", "count": )";
      number(20);
      document_ += R"(, "price": )";
      number(90);
      document_ += left == 1 ? ".95}" : ".95}, ";
    }
    return document_ + "]}";
  }

private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  void number(std::size_t bound) { document_ += std::to_string(below(bound)); }
  void one_of(const char* const (&texts)[4]) { document_ += texts[below(4)]; }

  std::minstd_rand random_;
  std::string document_;
};

inline std::vector<std::string> make_documents(std::size_t count) {
  Documents documents;
  std::vector<std::string> all;
  while (all.size() != count)
    all.push_back(documents.make());
  return all;
}
