#include <iostream>
#include <map>
#include <memory_resource>
#include <string>

int main() {
  std::pmr::monotonic_buffer_resource region;
  for (int round = 0; round < 2; ++round) {
    {
      std::pmr::map<int, std::pmr::string> names(&region);
      for (int i = 0; i < 100; ++i)
        names[i] = "a name that is too long to be stored inline";
      std::cout << names.size() << " " << names[99] << "\n";
    }
    region.release();
  }
}
