// What C calls with a pointer, and Go takes as the number of a handle.
#include <minka.h>
#include <stdint.h>

minka_status minka_go_on_admission(minka_config *config, uintptr_t hook);
minka_status minka_go_on_delivery(minka_config *config, uintptr_t hook);
minka_status minka_go_on_authentication(minka_config *config, uintptr_t hook);
