// std::pmr on allot's strategies, and in place of the standard's own resources.
//
//   Resource<Strategy>                     a strategy as a memory resource
//   pmr::monotonic_buffer_resource         the standard's by the same names, with the same
//   pmr::unsynchronized_pool_resource      constructors, members and guarantees; several times
//   pmr::synchronized_pool_resource        faster, and told of misuse
//
// Who writes std::pmr:: today writes allot::pmr:: and changes nothing else: the rest of std::pmr is
// here too, but for the aliases of <regex>.
#pragma once

#include <allot/base/abi.hpp>
#ifdef ALLOT_ABI

#include <allot/pmr/monotonic_buffer_resource.hpp>
#include <allot/pmr/synchronized_pool_resource.hpp>
#include <allot/pmr/unsynchronized_pool_resource.hpp>
#include <allot/resource.hpp>

#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory_resource>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace allot {
inline namespace ALLOT_ABI {
namespace pmr {

using std::pmr::get_default_resource;
using std::pmr::memory_resource;
using std::pmr::new_delete_resource;
using std::pmr::null_memory_resource;
using std::pmr::polymorphic_allocator;
using std::pmr::pool_options;
using std::pmr::set_default_resource;

using std::pmr::basic_string;
using std::pmr::deque;
using std::pmr::forward_list;
using std::pmr::list;
using std::pmr::map;
using std::pmr::multimap;
using std::pmr::multiset;
using std::pmr::set;
using std::pmr::string;
using std::pmr::u16string;
using std::pmr::u32string;
using std::pmr::u8string;
using std::pmr::unordered_map;
using std::pmr::unordered_multimap;
using std::pmr::unordered_multiset;
using std::pmr::unordered_set;
using std::pmr::vector;
using std::pmr::wstring;

} // namespace pmr
} // namespace ALLOT_ABI
} // namespace allot

#endif
