//! Doors: listeners, connections and dispatch.
