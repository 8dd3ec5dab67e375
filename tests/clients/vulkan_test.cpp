// Vulkan's loader in a Multipool and in a Region: its hooks are told an alignment, and reallocate
// with it. There need not be a driver, or a processor that it drives: the loader looks for them,
// and frees all that it took whatever it finds.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "support.hpp"

#include <gtest/gtest.h>
#include <vulkan/vulkan.h>

#include <cstddef>

namespace {

using namespace allot;

template <class S>
VkAllocationCallbacks callbacks_of(S& strategy) {
  return {.pUserData = &strategy,
          .pfnAllocation = hooks::allocate_aligned<S>,
          .pfnReallocation = hooks::reallocate_aligned<S>,
          .pfnFree = hooks::deallocate<S>,
          .pfnInternalAllocation = nullptr,
          .pfnInternalFree = nullptr};
}

/// Makes an instance, and looks at what it drives. Gives what the making gave.
VkResult make_instance(const VkAllocationCallbacks* callbacks) {
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.apiVersion = VK_API_VERSION_1_0;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  VkInstance instance = VK_NULL_HANDLE;
  const VkResult result = vkCreateInstance(&info, callbacks, &instance);
  if (result != VK_SUCCESS)
    return result;
  std::uint32_t devices = 0;
  EXPECT_EQ(vkEnumeratePhysicalDevices(instance, &devices, nullptr), VK_SUCCESS);
  vkDestroyInstance(instance, callbacks);
  return result;
}

template <class S>
void makes_an_instance(S& strategy) {
  const test::ReportedMisuse reported;
  const VkAllocationCallbacks callbacks = callbacks_of(strategy);
  EXPECT_EQ(make_instance(&callbacks), make_instance(nullptr));
  EXPECT_GT(strategy.peak(), 1000u);
  EXPECT_EQ(reported.texts().size(), 0u);
}

TEST(Vulkan, MakesAnInstanceInAMultipool) {
  Multipool pool;
  makes_an_instance(pool);
  EXPECT_EQ(pool.used(), 0u);
}
TEST(Vulkan, MakesAnInstanceInARegion) {
  Region region;
  for (int round = 0; round != 2; ++round) {
    makes_an_instance(region);
    region.reset();
  }
}

TEST(Vulkan, SaysWhenTheArenaIsTooSmallAndTheArenaIsUsable) {
  for (const std::size_t bytes : {std::size_t{64}, 1_KiB, 4_KiB}) {
    Arena arena(bytes);
    const VkAllocationCallbacks callbacks = callbacks_of(arena);
    EXPECT_EQ(make_instance(&callbacks), VK_ERROR_OUT_OF_HOST_MEMORY) << bytes;
    arena.reset();
    EXPECT_NE(arena.try_allocate(bytes), nullptr);
  }
}

} // namespace
