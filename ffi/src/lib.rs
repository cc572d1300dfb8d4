//! libminka: the C ABI of minka. The contract is the header, `include/minka.h`.
