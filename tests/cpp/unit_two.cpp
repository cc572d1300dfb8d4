// See unit_one.cpp.
#include <minka.hpp>

minka::Receipt send(minka::Broker &broker);

minka::Receipt send(minka::Broker &broker) { return minka::Producer(broker).send({"t", "v"}); }
