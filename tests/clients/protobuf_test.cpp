// protobuf's arenas in ours: their blocks come from hooks without a context, or from one buffer.
#include <allot/allot.hpp>
#include <allot/hooks.hpp>

#include "files.hpp"
#include "support.hpp"

#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>

namespace {

using namespace allot;
namespace pb = google::protobuf;

Region region;
Multipool pool;

template <auto& strategy>
pb::ArenaOptions options_in() {
  pb::ArenaOptions options;
  options.block_alloc = hooks::allocate<strategy>;
  options.block_dealloc = hooks::deallocate<strategy>;
  return options;
}

/// A message made in the arena is what one made on the heap is, both ways through the wire format.
void round_trip(pb::Arena& arena, const pb::Message& original) {
  const std::string wire = original.SerializeAsString();
  pb::Message* const parsed = original.New(&arena);
  ASSERT_EQ(parsed->GetArena(), &arena);
  ASSERT_TRUE(parsed->ParseFromString(wire));
  EXPECT_TRUE(pb::util::MessageDifferencer::Equals(*parsed, original));
  pb::Message* const copy = original.New(&arena);
  copy->CopyFrom(*parsed);
  EXPECT_EQ(copy->SerializeAsString(), wire);
}

/// descriptor.proto as a message.
pb::FileDescriptorProto descriptor() {
  pb::FileDescriptorProto proto;
  pb::FileDescriptorProto::descriptor()->file()->CopyTo(&proto);
  return proto;
}
/// A JSON document as a message. Maps have no fixed order on the wire, so it is a list.
pb::Value document() {
  pb::Value value;
  const std::string text = clients::read("/usr/share/iso-codes/json/iso_4217.json");
  EXPECT_TRUE(pb::util::JsonStringToMessage(text, &value).ok());
  pb::Value list;
  for (const pb::Value& entry : value.struct_value().fields().begin()->second.list_value().values())
    for (const auto& field : entry.struct_value().fields())
      *list.mutable_list_value()->add_values() = field.second;
  return list;
}

TEST(Protobuf, RoundTripInARegion) {
  for (int round = 0; round != 2; ++round) {
    {
      pb::Arena arena(options_in<region>());
      round_trip(arena, descriptor());
      round_trip(arena, document());
      EXPECT_GE(region.used(), arena.SpaceAllocated());
      EXPECT_GT(arena.SpaceUsed(), 50'000u);
    }
    region.reset();
  }
}
TEST(Protobuf, RoundTripInAMultipool) {
  {
    pb::Arena arena(options_in<pool>());
    round_trip(arena, descriptor());
    round_trip(arena, document());
    EXPECT_GE(pool.used(), arena.SpaceAllocated());
  }
  EXPECT_EQ(pool.used(), 0u);
}
TEST(Protobuf, RoundTripInOneBufferOfAnArena) {
  Arena ours(4_MiB);
  const auto buffer = ours.create_array<char>(2_MiB);
  pb::ArenaOptions options;
  options.initial_block = buffer.data();
  options.initial_block_size = buffer.size();
  pb::Arena arena(options);
  round_trip(arena, descriptor());
  round_trip(arena, document());
  EXPECT_EQ(arena.SpaceAllocated(), buffer.size()) << "it asked for more";
  auto* const value = pb::Arena::CreateMessage<pb::Value>(&arena);
  EXPECT_TRUE(ours.owns(value));
}

} // namespace
