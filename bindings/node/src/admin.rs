//! An admin: each of its calls is made by a thread of its own, so that any number may be under way.

use std::sync::Arc;

use minka::Error;
use minka::client::{Admin, AdminConfig, NewTopic, ResetTo, StartAt};
use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};
use napi_derive::napi;

use crate::broker::NativeBroker;
use crate::descriptions::{
    ClusterDescription, GroupDescription, GroupListing, TopicDescription, TopicListing,
};
use crate::error::{Result, closed, thrown};
use crate::promise::{Calls, Promised};
use crate::settings::{pairs, set_all, start_at, target};
use crate::worker::{call, start};

/// An admin. `lib/admin.js` gives it its face.
#[derive(Debug)]
#[napi]
pub struct NativeAdmin {
    /// None when it has been closed.
    admin: Option<Arc<Admin>>,
    calls: Calls,
}

#[napi]
impl NativeAdmin {
    /// An admin of a broker, or of the address where there is none.
    #[napi(constructor)]
    pub fn new(
        broker: Option<&NativeBroker>,
        address: String,
        settings: Vec<String>,
    ) -> Result<Self> {
        let mut config = AdminConfig::default();
        set_all(&settings, |name, value| config.set(name, value)).map_err(thrown)?;
        let admin = Admin::open(target(broker, address), config).map_err(thrown)?;
        Ok(Self { admin: Some(Arc::new(admin)), calls: Calls::default() })
    }

    /// Creates a topic.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn create_topic<'env>(
        &self,
        env: &'env Env,
        name: String,
        partitions: Option<u32>,
        settings: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| {
            let settings = pairs(&settings).into_iter();
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            admin.create_topic(&NewTopic { name, partitions, settings: settings.collect() })
        })
    }

    /// Deletes a topic with its records.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn delete_topic<'env>(&self, env: &'env Env, name: String) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.delete_topic(&name))
    }

    /// All topics, by name in order.
    #[napi(ts_return_type = "Promise<Array<TopicListing>>")]
    pub fn topics<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |admin| {
            Ok(admin.topics()?.into_iter().map(TopicListing::from).collect::<Vec<_>>())
        })
    }

    /// A topic with its partitions and settings.
    #[napi(ts_return_type = "Promise<TopicDescription>")]
    pub fn describe_topic<'env>(&self, env: &'env Env, name: String) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.describe_topic(&name).map(TopicDescription::from))
    }

    /// Gives a topic more partitions.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn add_partitions<'env>(
        &self,
        env: &'env Env,
        name: String,
        count: u32,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.add_partitions(&name, count))
    }

    /// Changes settings of a topic; those of `defaults` go back to the default.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn alter_topic<'env>(
        &self,
        env: &'env Env,
        name: String,
        settings: Vec<String>,
        defaults: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.alter_topic(&name, &changes(&settings, &defaults)))
    }

    /// All groups, by name in order.
    #[napi(ts_return_type = "Promise<Array<GroupListing>>")]
    pub fn groups<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |admin| {
            Ok(admin.groups()?.into_iter().map(GroupListing::from).collect::<Vec<_>>())
        })
    }

    /// A group with its members and where it is.
    #[napi(ts_return_type = "Promise<GroupDescription>")]
    pub fn describe_group<'env>(&self, env: &'env Env, name: String) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.describe_group(&name).map(GroupDescription::from))
    }

    /// Has a group go on elsewhere in a topic: `earliest`, `latest`, `time:MS` or `offset:OFFSET`.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn reset_group<'env>(
        &self,
        env: &'env Env,
        name: String,
        topic: String,
        to: String,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| {
            let to = match start_at(&to)? {
                StartAt::Earliest => ResetTo::Earliest,
                StartAt::Latest => ResetTo::Latest,
                StartAt::Time(time) => ResetTo::Time(time),
                StartAt::Offset(offset) => ResetTo::Offset(offset),
            };
            admin.reset_group(&name, &topic, to)
        })
    }

    /// Changes settings of a group; those of `defaults` go back to the default.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn alter_group<'env>(
        &self,
        env: &'env Env,
        name: String,
        settings: Vec<String>,
        defaults: Vec<String>,
    ) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.alter_group(&name, &changes(&settings, &defaults)))
    }

    /// Deletes a group that has no members.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn delete_group<'env>(&self, env: &'env Env, name: String) -> napi::Result<Object<'env>> {
        self.call(env, move |admin| admin.delete_group(&name))
    }

    /// The cluster and its brokers.
    #[napi(ts_return_type = "Promise<ClusterDescription>")]
    pub fn cluster<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.call(env, |admin| admin.cluster().map(ClusterDescription::from))
    }

    /// Ends it, and the calls that are under way.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&mut self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.calls.abandon(&over());
        let (promised, promise) = Promised::<()>::new(env)?;
        let admin = self.admin.take();
        start(&promised, move || {
            drop(admin);
            Ok(())
        });
        Ok(promise)
    }
}

impl NativeAdmin {
    fn call<'env, T: ToNapiValue + Send + 'static>(
        &self,
        env: &'env Env,
        make: impl FnOnce(&Admin) -> minka::Result<T> + Send + 'static,
    ) -> napi::Result<Object<'env>> {
        let Some(admin) = self.admin.clone() else {
            let (promised, promise) = Promised::<T>::new(env)?;
            promised.settle(Err(over()));
            return Ok(promise);
        };
        call(env, Some(&self.calls), move || make(&admin))
    }
}

fn over() -> Error {
    closed("admin")
}

/// Changes as the admin takes them.
fn changes<'a>(settings: &'a [String], defaults: &'a [String]) -> Vec<(&'a str, Option<&'a str>)> {
    let set = pairs(settings).into_iter().map(|(name, value)| (name, Some(value)));
    set.chain(defaults.iter().map(|name| (name.as_str(), None))).collect()
}
