#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "elbo/core/error.h"
#include "elbo/group/gloo_loopback.h"
#include "elbo/group/gloo_watch.h"
#include "elbo/group/join.h"
#include "elbo/group/shared_sum.h"

namespace elbo {
namespace {

using c10d::ProcessGroupGloo;
using std::chrono::milliseconds;
using Work = decltype(std::declval<ProcessGroupGloo&>().barrier());
using StorePointer = c10::intrusive_ptr<c10d::Store>;

constexpr milliseconds kToMeet{120000};   // for all processes to start
constexpr milliseconds kToWork{1800000};  // of one sum; who is dead or frozen is found otherwise
constexpr milliseconds kLook{500};        // between two looks at whether all are alive
// What one machine's processes may sum through memory at a time; what is not used costs nothing.
constexpr int64_t kSharedSums = int64_t{1} << 20, kSharedGradients = int64_t{1} << 29;

/// What all keys begin with: the store tells nobody which keys there are.
std::string prefix_of(const std::string& secret) {
  return secret.empty() ? "elbo" : "elbo-" + secret;
}

/// The first line of what c10d throws, which adds a trace of its own functions.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

/// libtorch 2 would meet by libuv, with which Debian's is not built.
template <class Options>
void without_libuv(Options& options) {
  if constexpr (requires { options.useLibUV; }) options.useLibUV = false;
}

StorePointer connect(const std::string& address, int64_t port, bool answer) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(port);
  options.isServer = answer;
  options.waitWorkers = false;
  options.timeout = kToMeet;
  without_libuv(options);
  try {
    return c10::make_intrusive<c10d::TCPStore>(address, options);
  } catch (const std::exception& error) {
    fail("[train] ", address, ":", port, ": ",
         answer ? "cannot be opened (MASTER_PORT names another port)" : "cannot be reached", ": ",
         first_line(error));
  }
}

/// The address of this machine that others reach it by: the one that its way to `peer` begins with.
/// A host's own name often stands for a loopback address, which is no use elsewhere.
std::string own_address(const std::string& peer) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_DGRAM;
  if (getaddrinfo(peer.c_str(), "9", &hints, &found) != 0) return peer;
  char text[NI_MAXHOST] = "";
  const int s = socket(found->ai_family, SOCK_DGRAM, 0);
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  const bool known = s >= 0 && ::connect(s, found->ai_addr, found->ai_addrlen) == 0 &&
                     getsockname(s, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
                     getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text, sizeof text,
                                 nullptr, 0, NI_NUMERICHOST) == 0;
  if (s >= 0) close(s);
  freeaddrinfo(found);
  return known ? text : peer;
}

std::shared_ptr<::gloo::transport::Device> device_for(const Launch& launch) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  return interface ? ProcessGroupGloo::createDeviceForInterface(interface)
                   : ProcessGroupGloo::createDeviceForHostname(own_address(launch.address));
}

/// After a failure threads hang in the middle of sums: what the program would take down at its end
/// is left to the kernel.
void end_without_cleaning_up() {
  static const int once = on_exit(
      [](int status, void*) {
        std::fflush(nullptr);
        _exit(status);
      },
      nullptr);
  (void)once;
}

class GlooGroup : public Group {
 public:
  explicit GlooGroup(const Launch& launch) : launch_(launch) {
    const bool answer = launch.rank == 0 && !launch.hosted;
    root_ = connect(launch.address, launch.port, answer);
    const auto prefix = prefix_of(launch.secret);
    store_ = c10::make_intrusive<c10d::PrefixStore>(prefix, root_);
    meet();
    const auto where = launch.address + ":" + std::to_string(launch.port);
    watch_ = std::make_unique<GlooWatch>(
        c10::make_intrusive<c10d::PrefixStore>(prefix, connect(launch.address, launch.port, false)),
        where, launch.rank, launch.size);
    guarded([&] {
      sums_ = channel("sums");
      gradients_ = channel("gradients");
      near_sums_ = share("sums", kSharedSums);
      near_gradients_ = share("gradients", kSharedGradients);
    });
  }

  ~GlooGroup() override {
    // The connection that others still need goes down last.
    if (!broken_) {
      try {
        finish(sums_->barrier());
      } catch (const std::exception&) {
        broken_ = true;  // what there was to do is done
      }
    }
    if (broken_) {
      end_without_cleaning_up();
      sums_.release();
      gradients_.release();
      (void)watch_.release();  // its thread may wait for an answer that never comes
    }
  }

  int64_t rank() const override { return launch_.rank; }
  int64_t size() const override { return launch_.size; }

  void sum(const Tensor& t) override {
    guarded([&] {
      if (near_sums_ && near_sums_->fits(t)) {
        near_sums_->add(near_sums_->show(t), t, [&] { look(); });
      } else {
        std::vector<Tensor> list{t};
        finish(sums_->allreduce(list));
      }
    });
  }

  void copy_first(const Tensor& t) override {
    std::vector<Tensor> list{t};
    guarded([&] { finish(sums_->broadcast(list)); });
  }

  Tensor gather(const Tensor& rows) override {
    std::vector<Tensor> mine{rows};
    std::vector<std::vector<Tensor>> all(1);
    for (int64_t r = 0; r < size(); ++r) all[0].push_back(torch::empty_like(rows));
    guarded([&] { finish(sums_->allgather(all, mine)); });
    return torch::cat(all[0]);
  }

  std::unique_ptr<Sum> begin_sum(const Tensor& t, std::function<void()> done) override {
    if (near_gradients_ && near_gradients_->fits(t))
      return std::make_unique<Shown>(this, t, std::move(done));
    std::vector<Tensor> list{t};
    Work work;
    guarded([&] { work = gradients_->allreduce(list); });
    if (done) work->getFuture()->addCallback([done](c10::ivalue::Future&) { done(); });
    return std::make_unique<Begun>(this, std::move(work));
  }

  void give_up(const std::string& why) override {
    if (broken_) return;  // another's failure, which all know
    broken_ = true;
    watch_->tell("process " + std::to_string(rank()) + " of " + std::to_string(size()) +
                 " has ended: " + why);
  }

 private:
  class Begun : public Sum {
   public:
    Begun(GlooGroup* group, Work work) : group_(group), work_(std::move(work)) {}
    void wait() override {
      group_->guarded([&] { group_->finish(work_); });
    }

   private:
    GlooGroup* group_;
    Work work_;
  };

  /// A sum through memory: its numbers are shown, and added once somebody waits for them.
  class Shown : public Sum {
   public:
    Shown(GlooGroup* group, Tensor t, std::function<void()> done)
        : group_(group),
          t_(std::move(t)),
          done_(std::move(done)),
          shown_(group->near_gradients_->show(t_)) {}
    void wait() override {
      group_->guarded([&] { group_->near_gradients_->add(shown_, t_, [&] { group_->look(); }); });
      if (done_) done_();
    }

   private:
    GlooGroup* group_;
    Tensor t_;
    std::function<void()> done_;
    uint32_t shown_;
  };

  /// Memory for sums where all processes run on this machine; null where one cannot see another's.
  std::unique_ptr<SharedSum> share(const std::string& what, int64_t bytes) {
    if (size() > SharedSum::kMostProcesses) return nullptr;
    std::unique_ptr<SharedSum> memory;
    if (launch_.local_size == size()) memory = SharedSum::make(rank(), size(), bytes);
    const auto key = [&](int64_t r) { return "memory/" + what + "/" + std::to_string(r); };
    const auto name = memory ? memory->name() : "";
    store_->set(key(rank()), std::vector<uint8_t>(name.begin(), name.end()));
    std::vector<std::string> names;
    for (int64_t r = 0; r < size(); ++r) {
      const auto found = store_->get(key(r));
      names.emplace_back(found.begin(), found.end());
    }
    std::vector<Tensor> blind{torch::full(1, memory && memory->open(names) ? 0.0F : 1.0F)};
    finish(sums_->allreduce(blind));
    if (blind[0].item<float>() > 0) memory.reset();
    return memory;
  }

  /// Counts who has come, so that who waits in vain can say how many.
  void meet() {
    try {
      const auto came = store_->add("came", 1);
      if (came >= size()) store_->set("all", std::vector<uint8_t>{1});
      store_->wait({"all"}, kToMeet);
    } catch (const std::exception&) {
      int64_t came = 0;
      try {
        came = store_->add("came", 0);
      } catch (const std::exception&) {
        fail("[train] ", launch_.address, ":", launch_.port, " does not answer");
      }
      fail("[train] only ", came, " of ", size(), " processes came to ", launch_.address, ":",
           launch_.port, " within ", kToMeet.count() / 1000, " s (", launch_.by, ")");
    }
  }

  c10::intrusive_ptr<ProcessGroupGloo> channel(const std::string& name) {
    auto options = ProcessGroupGloo::Options::create(kToMeet);
    options->devices.push_back(device_for(launch_));
    options->timeout = kToWork;
    return c10::make_intrusive<ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>(name, store_), static_cast<int>(rank()),
        static_cast<int>(size()), options);
  }

  /// Waits, looking up now and then whether the others still are there.
  void finish(const Work& work) {
    for (;;) {
      try {
        work->wait(kLook);
        return;
      } catch (const std::exception&) {
        if (work->isCompleted()) throw;
      }
      look();
    }
  }

  void look() {
    const auto failure = watch_->failure();
    check(failure.empty(), failure);
  }

  /// What c10d throws is about sockets; what a person needs is who has gone.
  template <class F>
  void guarded(const F& f) {
    try {
      f();
    } catch (const std::exception&) {
      broken_ = true;
      auto cause = watch_->failure();
      if (cause.empty()) cause = watch_->find_cause();
      watch_->tell(cause);
      fail("[train] ", cause, "; --resume continues from the last checkpoint");
    }
  }

  const Launch launch_;
  StorePointer root_, store_;
  std::unique_ptr<GlooWatch> watch_;
  c10::intrusive_ptr<ProcessGroupGloo> sums_, gradients_;
  std::unique_ptr<SharedSum> near_sums_, near_gradients_;
  bool broken_ = false;
};

std::string new_secret() {
  constexpr const char* kDigits = "0123456789abcdef";
  unsigned char bytes[16];
  check(::getentropy(bytes, sizeof bytes) == 0, "[train] nproc: no random numbers");
  std::string text;
  for (const auto byte : bytes) text += {kDigits[byte >> 4], kDigits[byte & 15]};
  return text;
}

class LoopbackMeeting : public Meeting {
 public:
  LoopbackMeeting() : secret_(new_secret()), root_(connect("127.0.0.1", 0, true)) {
    keep_to_loopback(port());  // where it cannot be, the secret still keeps others out
  }
  const std::string& secret() const override { return secret_; }
  int64_t port() const override { return static_cast<const c10d::TCPStore&>(*root_).getPort(); }
  void call_off(const std::string& why) override {
    try {
      using Bytes = std::vector<uint8_t>;
      c10d::PrefixStore(prefix_of(secret_), root_)
          .compareSet(GlooWatch::kFailed, Bytes{}, Bytes(why.begin(), why.end()));
    } catch (const std::exception&) {
      // Only those read it who are still connected.
    }
  }

 private:
  const std::string secret_;
  StorePointer root_;
};

}  // namespace

bool can_join(std::string*) { return true; }

std::shared_ptr<Group> join_group(const Launch& launch) {
  return std::make_shared<GlooGroup>(launch);
}

std::unique_ptr<Meeting> open_meeting() { return std::make_unique<LoopbackMeeting>(); }

}  // namespace elbo
