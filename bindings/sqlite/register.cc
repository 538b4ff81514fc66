#include "bindings/sqlite/register.h"

#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/guard.h"
#include "bindings/sqlite/view.h"
#include "store/sqlite/capture_table.h"

namespace rejoin {
namespace {

constexpr char kIsRegistered[] = "SELECT rejoin_version()";

// What a function is registered with.
struct Registration {
  std::shared_ptr<Connection> connection;
  const FunctionSpec* spec;
};

void Reply(sqlite3_context* context, const Error& error) {
  const std::string message = Prefixed(error);
  sqlite3_result_error(context, message.c_str(), static_cast<int>(message.size()));
  sqlite3_result_error_code(context, ResultCodeOf(error.code));
}

void Invoke(sqlite3_context* context, int count, sqlite3_value** values) {
  const auto& registration = *static_cast<Registration*>(sqlite3_user_data(context));
  const FunctionSpec& spec = *registration.spec;
  const Status status = Guarded([&]() -> Status {
    Call call(*registration.connection, spec, context, count, values);
    REJOIN_TRY(call.CheckCount());
    if (spec.kind == FunctionSpec::Kind::kEffect) {
      REJOIN_TRY(registration.connection->RequireNoWriter(spec.name));
    }
    REJOIN_TRY(spec.body(call));
    // What it merged is for others too, whom no commit of captured changes tells.
    if (spec.kind == FunctionSpec::Kind::kEffect) registration.connection->TellLinksOfMain();
    return {};
  });
  if (status) return;
  (void)Guarded([&]() -> Status {
    Reply(context, status.error());
    return {};
  });
}

int FlagsOf(FunctionSpec::Kind kind) {
  switch (kind) {
    case FunctionSpec::Kind::kValue:
      return SQLITE_UTF8 | SQLITE_INNOCUOUS;
    case FunctionSpec::Kind::kAnswer:
      return SQLITE_UTF8;
    case FunctionSpec::Kind::kEffect:
      return SQLITE_UTF8 | SQLITE_DIRECTONLY;
  }
  return SQLITE_UTF8 | SQLITE_DIRECTONLY;
}

int RegisterFunctions(sqlite3* db, const std::shared_ptr<Connection>& connection) {
  for (const auto& functions :
       {TableFunctions(), ValueFunctions(), ExchangeFunctions(), NetworkFunctions(),
        LinkFunctions(), StatusFunctions()}) {
    for (const FunctionSpec& spec : functions) {
      // Any count of arguments, so that a wrong one gets a message of ours.
      const int result = sqlite3_create_function_v2(
          db, spec.name, -1, FlagsOf(spec.kind), new Registration{connection, &spec}, Invoke,
          nullptr, nullptr,
          [](void* registration) { delete static_cast<Registration*>(registration); });
      if (result != SQLITE_OK) return result;
    }
  }
  return SQLITE_OK;
}

// Registering again would destroy what connected tables still use.
bool IsRegistered(sqlite3* db) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v2(db, kIsRegistered, -1, &statement, nullptr);
  sqlite3_finalize(statement);
  return result == SQLITE_OK;
}

}  // namespace

int RegisterRejoin(sqlite3* db) {
  std::shared_ptr<Connection> made;
  const int result = RegisterRejoin(db, {&SystemClock(), &SystemRandom()}, &made);
  if (result != SQLITE_OK || made == nullptr) return result;
  const Status joined = Guarded([&]() -> Status {
    made->JoinHost();
    return {};
  });
  return joined ? SQLITE_OK : SQLITE_NOMEM;
}

int RegisterRejoin(sqlite3* db, const Environment& environment,
                   std::shared_ptr<Connection>* made) {
  int result = SQLITE_OK;
  const Status registered = Guarded([&]() -> Status {
    if (IsRegistered(db)) return {};
    const auto connection = std::make_shared<Connection>(db, environment);
    result = RegisterCaptureModule(
        db, [connection](sqlite3*, const std::string& schema) { return connection->EngineOf(schema); });
    if (result == SQLITE_OK) result = RegisterViews(db, connection);
    if (result == SQLITE_OK) result = RegisterFunctions(db, connection);
    if (made != nullptr) *made = connection;
    return {};
  });
  return registered ? result : SQLITE_NOMEM;
}

}  // namespace rejoin
