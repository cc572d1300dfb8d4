//! The cluster that an admin was told of.

use minka_core::client::ClusterDescription;

use crate::assignment::at;
use crate::boundary;
use crate::bytes::minka_bytes;
use crate::handle::{free_memory, output, pointed};
use crate::status::minka_status;

/// A cluster, as it was when it was asked for. May be read by several threads at once.
#[derive(Debug)]
pub struct minka_cluster {
    found: ClusterDescription,
}

/// A broker of a cluster, which can be reached over the network. Its bytes are valid until the
/// cluster is freed.
#[repr(C)]
#[derive(Debug)]
pub struct minka_cluster_broker {
    /// Its ID.
    pub id: i32,
    /// Its host.
    pub host: minka_bytes,
    /// Its port.
    pub port: u16,
}

/// The cluster's ID; valid until the cluster is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_cluster_id(
    cluster: *const minka_cluster,
    id: *mut minka_bytes,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (cluster, out) = unsafe { (pointed(cluster, "cluster")?, output(id, "id")?) };
        out.write(minka_bytes::of(cluster.found.id.as_bytes()));
        Ok(())
    })
}

/// How many brokers it has that can be reached over the network; 0 for NULL. A broker in this
/// process is not asked whether it can be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_cluster_broker_count(cluster: *const minka_cluster) -> usize {
    boundary::value(0, || {
        // SAFETY: the header says what callers must keep to.
        Ok(unsafe { pointed(cluster, "cluster") }?.found.brokers.len())
    })
}

/// One of them, which are in the order of their IDs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_cluster_get_broker(
    cluster: *const minka_cluster,
    index: usize,
    broker: *mut minka_cluster_broker,
) -> minka_status {
    boundary::status(|| {
        // SAFETY: the header says what callers must keep to.
        let (cluster, out) = unsafe { (pointed(cluster, "cluster")?, output(broker, "broker")?) };
        let found = at(&cluster.found.brokers, index)?;
        out.write(minka_cluster_broker {
            id: found.id,
            host: minka_bytes::of(found.host.as_bytes()),
            port: found.port,
        });
        Ok(())
    })
}

/// Frees a cluster; NULL is let be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minka_cluster_free(cluster: *mut minka_cluster) {
    // SAFETY: the header says what callers must keep to.
    unsafe { free_memory(cluster) }
}

impl minka_cluster {
    pub(crate) fn new(found: ClusterDescription) -> Self {
        Self { found }
    }
}
