// The header alone, twice, before anything else.
#include <minka.hpp>
#include <minka.hpp>

#if __cplusplus >= 202002L
#include <ranges>

static_assert(std::ranges::input_range<minka::Batch>);
static_assert(std::ranges::input_range<minka::Headers>);
#endif
