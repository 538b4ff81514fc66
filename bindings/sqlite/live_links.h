// The links of this process. Connections to one file share a link to one URL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bindings/sqlite/background_link.h"

namespace rejoin {

// The thread of all sockets of this process, while anybody holds it. kNetwork where the
// system gives none.
Result<std::shared_ptr<Network>> SharedNetwork();

// The link of the file to the URL, which is begun where there is none. It ends with the
// last who holds it.
Result<std::shared_ptr<BackgroundLink>> LinkInBackground(const BackgroundSpec& spec);

// Something was committed to the file by a connection of this process: its links look at
// once. Costs nothing while there are none.
void TellLinks(const std::string& file);

// Of the links of this process to the file that have a thread.
std::vector<LinkState> StatesOfLinks(const std::string& file);

}  // namespace rejoin
