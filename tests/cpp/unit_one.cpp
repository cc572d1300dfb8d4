// The header in two translation units of one program; the other is unit_two.cpp.
#include <minka.hpp>

minka::Receipt send(minka::Broker &broker);

int main() {
    minka::Broker broker({}, minka::Hooks{[](const minka::Passing &, minka::Verdict &) {}, {}, {}});
    return send(broker).offset == 0 ? 0 : 1;
}
