#include "tests/transport/peers.h"

#include <utility>

namespace rejoin::testing {

void Recorder::OnOpen(const std::shared_ptr<Link>& link) {
  {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(link_, nullptr) << "opened twice";
    EXPECT_FALSE(closed_) << "opened after it closed";
    link_ = link;
    changed_.notify_all();
  }
  if (on_open) on_open(*link);
}

void Recorder::OnFrame(Bytes frame) {
  {
    const std::lock_guard lock(mutex_);
    EXPECT_NE(link_, nullptr) << "a frame before the link opened";
    EXPECT_FALSE(closed_) << "a frame after the link closed";
    frames_.push_back(frame);
    changed_.notify_all();
  }
  if (on_frame) on_frame(*link_, frame);
}

void Recorder::OnWritable() {
  {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(closed_) << "writable after the link closed";
    ++writable_;
    changed_.notify_all();
  }
  if (on_writable) on_writable(*link_);
}

void Recorder::OnClosed(const Error& why) {
  const std::lock_guard lock(mutex_);
  EXPECT_FALSE(closed_) << "closed twice: " << closed_->message;
  closed_ = why;
  changed_.notify_all();
}

template <class Condition>
bool Recorder::Wait(std::unique_lock<std::mutex>& lock, Condition condition, const char* what) {
  const bool there = changed_.wait_for(lock, kPatience, condition);
  EXPECT_TRUE(there) << "waited in vain for " << what
                     << (closed_ ? "; closed: " + closed_->message : std::string());
  return there;
}

std::shared_ptr<Link> Recorder::WaitOpen() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [this] { return link_ != nullptr || closed_; });
  EXPECT_NE(link_, nullptr) << (closed_ ? closed_->message : "neither opened nor closed");
  return link_;
}

std::vector<Bytes> Recorder::WaitFrames(std::size_t count) {
  std::unique_lock lock(mutex_);
  Wait(lock, [&] { return frames_.size() >= count; }, "frames");
  return frames_;
}

void Recorder::WaitWritable(std::size_t times) {
  std::unique_lock lock(mutex_);
  Wait(lock, [&] { return writable_ >= times; }, "room in the queue");
}

Error Recorder::WaitClosed() {
  std::unique_lock lock(mutex_);
  return Wait(lock, [this] { return closed_.has_value(); }, "the end") ? *closed_ : Error{};
}

std::size_t Recorder::SendUntilStalled(const std::shared_ptr<const Bytes>& frame,
                                       std::size_t max) {
  constexpr std::chrono::milliseconds kLooksStalled{500};
  const auto link = WaitOpen();
  std::size_t sent = 0;
  while (link != nullptr && sent < max) {
    std::unique_lock lock(mutex_);
    const std::size_t before = writable_;
    const Sent result = link->Send(frame);
    sent += result == Sent::kQueued ? 1 : 0;
    if (result == Sent::kQueued) continue;
    if (result != Sent::kFull) break;
    if (!changed_.wait_for(lock, kLooksStalled, [&] { return writable_ > before; })) break;
  }
  return sent;
}

std::size_t Recorder::frames() const {
  const std::lock_guard lock(mutex_);
  return frames_.size();
}

std::size_t Recorder::writable() const {
  const std::lock_guard lock(mutex_);
  return writable_;
}

bool Recorder::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_.has_value();
}

Result<std::shared_ptr<LinkHandler>> Hall::OnVisitor(const Visitor& visitor) {
  const std::lock_guard lock(mutex_);
  visitors_.push_back(visitor);
  if (refusal) return tl::unexpected(*refusal);
  handlers_.push_back(std::make_shared<Recorder>());
  if (prepare) prepare(*handlers_.back());
  changed_.notify_all();
  return handlers_.back();
}

std::optional<Page> Hall::OnPage(std::string_view path) {
  return path == "/mine" ? page : std::nullopt;
}

std::shared_ptr<Recorder> Hall::WaitVisitor(std::size_t index) {
  std::unique_lock lock(mutex_);
  const bool there = changed_.wait_for(lock, kPatience, [&] { return handlers_.size() > index; });
  EXPECT_TRUE(there) << "nobody came";
  return there ? handlers_[index] : std::make_shared<Recorder>();
}

std::vector<Visitor> Hall::visitors() const {
  const std::lock_guard lock(mutex_);
  return visitors_;
}

Peers::Peers() : server(*Network::Start()), client(*Network::Start()) {}

void Peers::Listen(const LinkOptions& options, std::size_t max_connections) {
  ListenOptions listen;
  listen.port = 0;
  listen.link = options;
  listen.max_connections = max_connections;
  const auto bound = server->Listen(listen, hall);
  ASSERT_TRUE(bound) << bound.error().message;
  port = *bound;
}

Url Peers::url(const std::string& room) const { return Url{"127.0.0.1", port, room}; }

std::shared_ptr<Recorder> Peers::Connect(const LinkOptions& options) {
  auto handler = std::make_shared<Recorder>();
  client->Connect(url(), handler, options);
  return handler;
}

Bytes Noise(std::size_t size, std::uint64_t seed) {
  Bytes bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(seed >> 56);
  }
  return bytes;
}

}  // namespace rejoin::testing
