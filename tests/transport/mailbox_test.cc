// What a server's guests have in its mailbox.
#include <memory>

#include <gtest/gtest.h>

#include "hub/guest.h"

namespace rejoin {
namespace {

// Guests keep the mailbox, and what they put into it keeps them.
TEST(Mailbox, ThatIsClosedKeepsNobody) {
  auto mailbox = std::make_shared<Mailbox>();
  const std::weak_ptr<Mailbox> kept = mailbox;
  auto guest = std::make_shared<Guest>(mailbox, Visitor{"somewhere", "room"});
  guest->OnClosed({Code::kNetwork, "it went away"});
  mailbox->Close();
  guest->OnClosed({Code::kNetwork, "it went away again"});
  EXPECT_TRUE(mailbox->Take(0).empty());
  mailbox.reset();
  guest.reset();
  EXPECT_TRUE(kept.expired());
}

}  // namespace
}  // namespace rejoin
