#include "bindings/sqlite/live_links.h"

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "transport/process.h"

namespace rejoin {
namespace {

// Never destroyed, as the threads that use it outlive main().
struct Links {
  std::mutex mutex;  // guards what follows but for `any`
  std::weak_ptr<Network> network;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<BackgroundLink>> links;  // by file and URL
  std::atomic<bool> any{false};  // there is one, or was

  static Links& Get() {
    static Links* const links = [] {
      AroundForks([] { Get().mutex.lock(); }, [] { Get().mutex.unlock(); },
                  [] {
                    Get().Forget();
                    Get().mutex.unlock();
                  });
      return new Links;
    }();
    return *links;
  }

  // What the child inherited has no threads behind it.
  void Forget() {
    network.reset();
    links.clear();
    any = false;
  }
};

Result<std::shared_ptr<Network>> NetworkOf(Links& links) {
  std::shared_ptr<Network> network = links.network.lock();
  if (network != nullptr) return network;
  REJOIN_ASSIGN(network, Network::Start());
  links.network = network;
  return network;
}

// Held while they are used: a link that ends waits for its thread, and that is not to be
// while others wait for the table.
std::vector<std::shared_ptr<BackgroundLink>> LinksOf(const std::string& file) {
  std::vector<std::shared_ptr<BackgroundLink>> found;
  Links& links = Links::Get();
  if (!links.any) return found;
  const std::lock_guard lock(links.mutex);
  for (auto at = links.links.lower_bound({file, std::string()});
       at != links.links.end() && at->first.first == file; ++at) {
    if (auto link = at->second.lock()) found.push_back(std::move(link));
  }
  return found;
}

}  // namespace

Result<std::shared_ptr<Network>> SharedNetwork() {
  Links& links = Links::Get();
  const std::lock_guard lock(links.mutex);
  return NetworkOf(links);
}

Result<std::shared_ptr<BackgroundLink>> LinkInBackground(const BackgroundSpec& spec) {
  Links& links = Links::Get();
  const std::lock_guard lock(links.mutex);
  std::weak_ptr<BackgroundLink>& known = links.links[{spec.file, spec.url.Text()}];
  if (auto link = known.lock()) return link;
  REJOIN_ASSIGN(auto network, NetworkOf(links));
  REJOIN_ASSIGN(auto link, BackgroundLink::Start(std::move(network), spec));
  known = link;
  links.any = true;
  return link;
}

void TellLinks(const std::string& file) {
  for (const auto& link : LinksOf(file)) link->OnCommit();
}

std::vector<LinkState> StatesOfLinks(const std::string& file) {
  std::vector<LinkState> states;
  for (const auto& link : LinksOf(file)) states.push_back(link->GetState());
  return states;
}

}  // namespace rejoin
