#include "hooks.h"

#include "_cgo_export.h"

static void on_record(void *hook, const minka_passing *record, minka_verdict *verdict)
{
    minkaGoRecord((uintptr_t)hook, (minka_passing *)record, verdict);
}

static bool on_login(void *hook, const minka_login *login, minka_verdict *verdict)
{
    return minkaGoLogin((uintptr_t)hook, (minka_login *)login, verdict);
}

static void on_release(void *hook)
{
    minkaGoRelease((uintptr_t)hook);
}

minka_status minka_go_on_admission(minka_config *config, uintptr_t hook)
{
    return minka_config_on_admission(config, on_record, (void *)hook, on_release);
}

minka_status minka_go_on_delivery(minka_config *config, uintptr_t hook)
{
    return minka_config_on_delivery(config, on_record, (void *)hook, on_release);
}

minka_status minka_go_on_authentication(minka_config *config, uintptr_t hook)
{
    return minka_config_on_authentication(config, on_login, (void *)hook, on_release);
}
