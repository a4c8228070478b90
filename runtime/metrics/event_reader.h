#pragma once
// For tests: reads an event file back, strictly. What a TensorBoard would not accept fails the test that reads it.

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/metrics/crc32c.h"

namespace jade::metrics {

struct ReadEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version;
  bool restart = false;
  std::vector<std::pair<std::string, float>> scalars;
};

inline uint64_t TakeLittleEndian(std::string_view* bytes, size_t count) {
  EXPECT_LE(count, bytes->size());
  uint64_t value = 0;
  for (size_t i = 0; i < std::min(count, bytes->size()); ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>((*bytes)[i])) << (8 * i);
  }
  bytes->remove_prefix(std::min(count, bytes->size()));
  return value;
}

// One field of a message: its number, and its number or its bytes.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};

inline uint64_t TakeVarint(std::string_view* bytes) {
  uint64_t value = 0;
  for (unsigned shift = 0; !bytes->empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  ADD_FAILURE() << "a varint without an end";
  return value;
}

inline std::vector<Field> Fields(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    const uint64_t key = TakeVarint(&message);
    Field field{key >> 3U, 0, {}};
    switch (key & 7U) {
      case 0:
        field.value = TakeVarint(&message);
        break;
      case 1:
        field.value = TakeLittleEndian(&message, 8);
        break;
      case 2: {
        const uint64_t size = TakeVarint(&message);
        EXPECT_LE(size, message.size());
        field.bytes = message.substr(0, size);
        message.remove_prefix(std::min<size_t>(size, message.size()));
        break;
      }
      case 5:
        field.value = TakeLittleEndian(&message, 4);
        break;
      default:
        ADD_FAILURE() << "unknown wire type in key " << key;
        return fields;
    }
    fields.push_back(field);
  }
  return fields;
}

inline std::pair<std::string, float> DecodeValue(std::string_view message) {
  std::pair<std::string, float> value;
  for (const Field& field : Fields(message)) {
    if (field.number == 1) value.first = field.bytes;
    if (field.number == 2) value.second = std::bit_cast<float>(static_cast<uint32_t>(field.value));
  }
  return value;
}

inline ReadEvent DecodeEvent(std::string_view message) {
  ReadEvent event;
  for (const Field& field : Fields(message)) {
    if (field.number == 1) event.wall_time = std::bit_cast<double>(field.value);
    if (field.number == 2) event.step = static_cast<int64_t>(field.value);
    if (field.number == 3) event.file_version = field.bytes;
    if (field.number == 5) {
      for (const Field& value : Fields(field.bytes)) event.scalars.push_back(DecodeValue(value.bytes));
    }
    if (field.number == 7) {
      for (const Field& status : Fields(field.bytes)) event.restart |= status.number == 1 && status.value == 1;
    }
  }
  return event;
}

inline std::vector<ReadEvent> ReadEvents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  const std::string contents((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::string_view rest = contents;
  std::vector<ReadEvent> events;
  while (!rest.empty()) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const uint64_t length = TakeLittleEndian(&rest, 8);
    EXPECT_EQ(TakeLittleEndian(&rest, 4), MaskedCrc32c(length_bytes));
    if (length > rest.size()) {
      ADD_FAILURE() << path << ": a record is cut off";
      return events;
    }
    const std::string_view data = rest.substr(0, length);
    rest.remove_prefix(length);
    EXPECT_EQ(TakeLittleEndian(&rest, 4), MaskedCrc32c(data));
    events.push_back(DecodeEvent(data));
  }
  return events;
}

}  // namespace jade::metrics
