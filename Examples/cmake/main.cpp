// Computes a layer on two threads, and once more on one: the results are the same in every bit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>
#include "up.h"

namespace {

/// Packed weights and workspaces are aligned to 64 bytes.
struct Block {
    alignas(64) unsigned char bytes[64];
};

std::vector<Block> blocks(size_t bytes) { return std::vector<Block>(bytes / 64 + 1); }

}  // namespace

int main() {
    std::vector<float> input(up_INPUT_ELEMENTS), weights(up_WEIGHT_ELEMENTS), bias(8), output(up_OUTPUT_ELEMENTS), again(up_OUTPUT_ELEMENTS);
    for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 7) - 3;
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 5) / 4 - 0.5f;
    for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);

    auto packed = blocks(up_packed_bytes());
    if (up_pack(weights.data(), packed.data()) != VOXELSMITH_OK) return 1;

    // Each thread has some of the work items, and a workspace of its own.
    const int64_t items = up_work_items(1);
    int status[2] = {};
    std::vector<std::thread> threads;
    for (int number = 0; number < 2; ++number)
        threads.emplace_back([&, number] {
            auto workspace = blocks(up_workspace_bytes());
            status[number] = up_run(input.data(), packed.data(), bias.data(), output.data(), workspace.data(), 1,
                                    items * number / 2, items * (number + 1) / 2);
        });
    for (auto &thread : threads) thread.join();
    if (status[0] != VOXELSMITH_OK || status[1] != VOXELSMITH_OK) return 1;

    auto workspace = blocks(up_workspace_bytes());
    if (up_run_all(input.data(), packed.data(), bias.data(), again.data(), workspace.data(), 1) != VOXELSMITH_OK) return 1;
    if (!std::equal(output.begin(), output.end(), again.begin())) {
        std::puts("two threads and one give different results");
        return 1;
    }
    std::printf("two threads and one give the same %zu results\n", output.size());
    return 0;
}
