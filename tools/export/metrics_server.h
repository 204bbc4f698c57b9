// Answers GET /metrics over HTTP, with the server that prometheus-cpp itself uses. Its threads are its own; the object
// belongs to one thread. A client that is slow holds one of a few threads for at most two seconds.
#ifndef ROOST_TOOLS_EXPORT_METRICS_SERVER_H_
#define ROOST_TOOLS_EXPORT_METRICS_SERVER_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "tools/http_rules.h"

namespace roost {

struct MetricsServerOptions {
  ListenAddress listen;
  std::vector<std::string> host_names;  // besides addresses and localhost
  std::string token;                    // empty: none is asked for
};

class MetricsServer {
 public:
  // Called for each scrape, by several threads at once.
  using Collect = std::function<std::vector<prometheus::MetricFamily>()>;

  // kAlreadyExists: somebody listens there; other errors as the kernel has them.
  static Result<std::unique_ptr<MetricsServer>> Start(MetricsServerOptions options,
                                                      Collect collect);
  virtual ~MetricsServer() = default;  // answers what is under way, and no more

  virtual uint16_t port() const = 0;
};

}  // namespace roost

#endif  // ROOST_TOOLS_EXPORT_METRICS_SERVER_H_
