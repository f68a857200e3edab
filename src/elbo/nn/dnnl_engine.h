#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "elbo/nn/activation.h"

namespace elbo {

/// The one CPU engine, and a stream of this thread.
dnnl::engine& dnnl_engine();
dnnl::stream& dnnl_stream();

/// Memory whose address is set at each call, and such an address.
inline dnnl::memory unbound(const dnnl::memory::desc& desc) {
  return dnnl::memory(desc, dnnl_engine(), nullptr);
}
inline void* address(const void* p) { return const_cast<void*>(p); }

/// Appends an activation that fuses(); nothing for kNone.
void append_activation(dnnl::post_ops& ops, Activation activation);

/// Mixes a number into a hash.
inline void mix(size_t& hash, int64_t value) {
  hash = (hash ^ static_cast<size_t>(value)) * 0x9E3779B97F4A7C15ULL;
  hash ^= hash >> 29;
}

/// Hashes a key by its numbers(), which tell any two keys apart.
struct KeyHash {
  template <class Key>
  size_t operator()(const Key& key) const {
    size_t hash = 0;
    for (const int64_t v : key.numbers()) mix(hash, v);
    return hash;
  }
};

/// A thread's primitives by what they compute. Scratch memory belongs to a primitive, hence one
/// cache per thread; a bound on the entries keeps data of ever changing shapes from filling it.
template <class Key, class Value>
class PrimitiveCache {
 public:
  template <class Make>
  Value& get(const Key& key, Make make) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) return found->second;
    if (entries_.size() >= kMost) entries_.clear();
    try {
      return entries_.emplace(key, make()).first->second;
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
      throw;
    }
  }

 private:
  static constexpr size_t kMost = 512;
  std::unordered_map<Key, Value, KeyHash> entries_;
};

}  // namespace elbo
