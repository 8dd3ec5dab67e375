#include <allot/pmr.hpp>
#include <allot/region.hpp>
#include <iostream>
#include <map>
#include <string>

int main() {
  allot::Region region;
  allot::Resource resource(region);
  for (int round = 0; round < 2; ++round) {
    {
      std::pmr::map<int, std::pmr::string> names(&resource);
      for (int i = 0; i < 100; ++i)
        names[i] = "a name that is too long to be stored inline";
      std::cout << names.size() << " " << names[99] << "\n";
    }
    region.reset(); // the memory is kept for the next round
  }
}
