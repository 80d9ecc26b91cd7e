//! What the worker has begun and not ended: so much at once, and of one environment so much.

use std::collections::HashMap;
use std::sync::Arc;

use portal_lifecycle::ids::EnvironmentId;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Deliveries and notices at once. Thirty-two custodians that do not answer fill it.
const AT_ONCE: usize = 256;
/// Those of one environment.
const AT_ONCE_OF_ONE: usize = 8;

/// The tasks that are under way.
pub(super) struct UnderWay {
    tasks: JoinSet<()>,
    all: Arc<Semaphore>,
    of: HashMap<EnvironmentId, Arc<Semaphore>>,
}

impl Default for UnderWay {
    fn default() -> Self {
        Self {
            tasks: JoinSet::new(),
            all: Arc::new(Semaphore::new(AT_ONCE)),
            of: HashMap::new(),
        }
    }
}

impl UnderWay {
    /// How many more of an environment may begin.
    pub(super) fn room(&self, environment: EnvironmentId) -> u32 {
        let own = self.of.get(&environment);
        let own = own.map_or(AT_ONCE_OF_ONE, |places| places.available_permits());
        let room = own.min(self.all.available_permits());
        u32::try_from(room).unwrap_or(u32::MAX)
    }

    /// Begins one, if there is room. It holds its place until it ends, however it ends.
    pub(super) fn begin(
        &mut self,
        environment: EnvironmentId,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.of
            .retain(|_, places| places.available_permits() < AT_ONCE_OF_ONE);
        let own = self.of.entry(environment);
        let own = own.or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_OF_ONE)));
        let own = Arc::clone(own).try_acquire_owned();
        let place = Arc::clone(&self.all).try_acquire_owned();
        let (Ok(own), Ok(place)) = (own, place) else {
            // Its claim ends, and it is due again.
            tracing::error!(%environment, "more was claimed than there is room for");
            return;
        };
        self.tasks.spawn(async move {
            work.await;
            drop((own, place));
        });
    }

    /// Returns when one of them has ended; never, while none is under way.
    pub(super) async fn one_ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "a delivery ended badly"),
            None => std::future::pending().await,
        }
    }

    /// Returns when all have ended.
    pub(super) async fn all_ended(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a delivery ended badly");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A custodian that does not answer leaves room for the others.
    #[tokio::test]
    async fn one_environment_fills_its_own_room_alone() {
        let [slow, other] = [1, 2].map(|n| EnvironmentId(uuid::Uuid::from_u128(n)));
        let mut under_way = UnderWay::default();
        let (answer, answered) = tokio::sync::watch::channel(false);
        for left in (0..8).rev() {
            let mut answered = answered.clone();
            under_way.begin(slow, async move {
                let _ = answered.wait_for(|answered| *answered).await;
            });
            assert_eq!((under_way.room(slow), under_way.room(other)), (left, 8));
        }
        let (begun, told) = tokio::sync::oneshot::channel();
        under_way.begin(other, async move {
            let _ = begun.send(());
        });
        assert!(told.await.is_ok(), "the other's is not held up");
        answer.send_replace(true);
        under_way.all_ended().await;
        assert_eq!((under_way.room(slow), under_way.room(other)), (8, 8));
    }
}
