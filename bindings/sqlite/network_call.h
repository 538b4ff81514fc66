// What the SQL functions that talk to others have in common.
#pragma once

#include "bindings/sqlite/call.h"
#include "transport/url.h"

namespace rejoin {

// The first argument.
Result<Url> UrlOf(Call& call);

// kOpenTransaction: what is acknowledged has to be committed.
Status RequireNoTransaction(Call& call);

// A peer that is told so keeps what it sent until a power cut cannot take it back.
Result<bool> IsDurable(Engine& engine);

}  // namespace rejoin
