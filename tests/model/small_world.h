// A small world: three replicas, each with a short script, and every way in which
// writing and exchanging can interleave.
//
// What a replica is depends only on which writes it knows; that is the claim, so
// replicas reached on different ways are looked up by that knowledge, and must
// turn out equal, state by state. It also makes the search small: each local
// state and each exchange between two of them is computed once per script.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "store/memory/memory_store.h"
#include "tests/model/script.h"
#include "tests/model/specification.h"

namespace rejoin {

class SmallWorld {
 public:
  // Replica 0 commits `initial`, and the others know it.
  SmallWorld(const TableDef& def, const Transaction& initial, Script script);

  // Every course of events: deeds at any time, messages in any order, any number
  // of times, fresh, relayed or delayed. For scripts of one deed each.
  void ExploreEverything();

  // Two deeds each: the first, then any replica hears of any others' or does not,
  // then the second, then all hear of all, gathered by one or passed along. And where
  // nobody heard of anybody before: in every order, relayed or delayed.
  void ExploreRounds();

  std::size_t merges() const { return merges_; }
  std::size_t states() const { return locals_.size(); }  // of one replica each
  // Empty while everything agrees, else what does not, and how it came to be.
  const std::string& fault() const { return fault_; }

 private:
  using Knowledge = std::uint64_t;  // bit i: deed i of `deeds_`
  struct Local {
    std::size_t replica = 0;
    std::size_t next = 0;  // in its script
    Knowledge known = 0;
    MemoryStore store;
    MemoryDelta state;  // all of it
    int was = -1;    // how it came to be: the state before; -1: the start,
    int heard = -1;  // and what it heard of there; -1: it did a deed
  };

  // Everything that can come of exchanges between these, and nobody does anything.
  void ExploreOrders(std::vector<int> states);
  bool HasMoreToDo(int local) const;
  int Act(int local);
  // The replica merges what it lacks of another's state, as it is or once was.
  int Hear(int local, int other);
  bool CanMeet(const Local& receiver, const Local& sender) const;
  int Arrive(Local local);
  void Compare(Local& local);
  void CompareTwins(const Local& known, const Local& other);
  void CheckDuplicate(Local& receiver, const Local& sender);
  Facts FactsOf(Knowledge known) const;
  // The bit of a deed done with that much knowledge.
  Knowledge Register(std::size_t replica, std::size_t deed, Knowledge before, Facts facts);
  std::string Story(const Local& local) const;
  void Fault(const std::string& what, const Local& local);

  Specification specification_;
  Script script_;
  std::array<int, kReplicas> start_{};  // local states go by index
  std::vector<Local> locals_;
  std::map<std::pair<std::size_t, Knowledge>, int> by_knowledge_;
  std::map<std::pair<int, int>, int> heard_;
  std::map<int, int> acted_;
  std::vector<Facts> deeds_;
  std::map<std::tuple<std::size_t, std::size_t, Knowledge>, Knowledge> deed_bits_;
  std::map<std::vector<std::string>, std::string> digests_;  // of what is shared
  std::map<std::string, std::vector<std::string>> digested_;
  std::map<std::pair<std::size_t, std::size_t>, Knowledge> slots_;  // of a deed, in all contexts
  std::size_t merges_ = 0;
  std::string fault_;
};

}  // namespace rejoin
