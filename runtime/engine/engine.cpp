#include "runtime/engine/engine.h"

namespace jade::engine {

void EventSource::PostReply(uint64_t id, Reply reply) {
  Event event;
  event.kind = Event::Kind::kReply;
  event.id = id;
  event.reply = std::move(reply);
  Post(std::move(event));
}

void EventSource::PostToolReply(uint64_t id, ToolReply reply) {
  Event event;
  event.kind = Event::Kind::kToolReply;
  event.id = id;
  event.tool = std::move(reply);
  Post(std::move(event));
}

void EventSource::PostDelta(uint64_t id, std::string text) {
  Event event;
  event.kind = Event::Kind::kDelta;
  event.id = id;
  event.delta = std::move(text);
  Post(std::move(event));
}

void EventSource::PostStarted(uint64_t id) {
  Event event;
  event.kind = Event::Kind::kStarted;
  event.id = id;
  Post(std::move(event));
}

}  // namespace jade::engine
