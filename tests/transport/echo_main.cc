// Our end of a conversation with a foreign WebSocket library (foreign_test.py).
//
//   link_echo listen            prints its port, and sends every frame back; the
//                               frame "close" makes it close. Ends with its input.
//   link_echo call URL SIZE...  sends frames of these sizes and expects them back,
//                               then sends "bye" and prints how the link ended.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>

#include "transport/blocking_link.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kPatienceMs = 60'000;

class Echo : public LinkHandler {
 public:
  void OnOpen(const std::shared_ptr<Link>& link) override { link_ = link; }
  void OnFrame(Bytes frame) override {
    if (frame == "close") return link_->Close(CloseCode::kRefused, "as you wish");
    link_->Send(std::make_shared<const Bytes>(std::move(frame)));
  }
  void OnClosed(const Error& why) override { std::cout << why.message << std::endl; }

 private:
  std::shared_ptr<Link> link_;
};

class EchoAcceptor : public Acceptor {
 public:
  Result<std::shared_ptr<LinkHandler>> OnVisitor(const Visitor&) override {
    return std::make_shared<Echo>();
  }
};

int Listen() {
  const auto network = Network::Start();
  ListenOptions options;
  options.port = 0;
  const auto port = (*network)->Listen(options, std::make_shared<EchoAcceptor>());
  if (!port) return 1;
  std::cout << *port << std::endl;
  while (std::getchar() != EOF) {
  }
  return 0;
}

int Call(const std::string& text, const std::vector<std::size_t>& sizes) {
  const auto url = ParseUrl(text);
  if (!url) return 2;
  const auto network = Network::Start();
  BlockingLink link(**network, *url);
  for (const std::size_t size : sizes) {
    const Bytes frame(size, static_cast<char>('a' + size % 26));
    if (!link.Send(frame, kPatienceMs)) break;
    const auto back = link.Receive(kPatienceMs);
    if (!back || !*back) break;
    std::cout << (**back == frame ? "same " : "different ") << size << std::endl;
  }
  if (link.Send("bye", kPatienceMs)) {
    if (const auto end = link.Receive(kPatienceMs); end) std::cout << "a frame more" << std::endl;
  }
  std::cout << link.WaitOpen().error().message << std::endl;
  return 0;
}

}  // namespace
}  // namespace rejoin

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "listen") return rejoin::Listen();
  if (command != "call" || argc < 3) return 2;
  std::vector<std::size_t> sizes;
  for (int i = 3; i < argc; ++i) sizes.push_back(std::stoul(argv[i]));
  return rejoin::Call(argv[2], sizes);
}
