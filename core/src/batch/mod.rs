//! Record batches, format version 2: what producers send, the log keeps and consumers get.
