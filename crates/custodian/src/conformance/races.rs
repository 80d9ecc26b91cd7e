//! Several processes at once, each with connections of its own.

use std::sync::Arc;

use portal_lifecycle::{BackupMethod, PerCurve};
use tokio::task::JoinSet;

use super::recoveries::request;
use super::{Backend, at, client, opened, pair, rng, share_of};
use crate::{
    CipherText, CustodianStore as _, Digest, InsertError, NewCipherText, RecoveryError,
    RecoveryPolicy, RecoveryStore as _,
};

const RACERS: u32 = 20;

/// Two handles, as two processes have them.
async fn two<B: Backend>(backend: &B) -> [Arc<B::Store>; 2] {
    [
        Arc::new(opened(backend).await),
        Arc::new(opened(backend).await),
    ]
}

/// Half of them with one text, half with another: one text is there, and every answer tells of it.
pub async fn of_racing_shares_one_is_stored<B: Backend>(backend: &B) {
    let stores = two(backend).await;
    let mut racing = JoinSet::new();
    for n in 0..RACERS {
        let store = Arc::clone(&stores[(n % 2) as usize]);
        racing.spawn(async move {
            let text = if n % 4 < 2 { "one" } else { "other" };
            let new = share_of(client(1), 1, text);
            match store.insert_share(new, at(0), &mut rng()).await {
                Ok(digest) => {
                    assert_eq!(digest, Digest::of(text.as_bytes()));
                    Some(text)
                }
                Err(InsertError::Taken) => None,
                Err(InsertError::Store(error)) => panic!("{error:?}"),
            }
        });
    }
    let answers = racing.join_all().await;
    let stored = stores[0].shares_of(client(1)).await.expect("read");
    assert_eq!(stored.len(), 1);
    let winner = stored[0].share.expose();
    let winners = answers.iter().flatten().filter(|text| **text == winner);
    assert_eq!(winners.count(), RACERS as usize / 2, "{answers:?}");
    assert_eq!(answers.iter().flatten().count(), RACERS as usize / 2);
}

/// The same of cipher texts.
pub async fn of_racing_cipher_texts_one_is_stored<B: Backend>(backend: &B) {
    let stores = two(backend).await;
    let mut racing = JoinSet::new();
    for n in 0..RACERS {
        let store = Arc::clone(&stores[(n % 2) as usize]);
        racing.spawn(async move {
            let text = if n % 4 < 2 { "one" } else { "other" };
            let new = NewCipherText {
                client_id: client(1),
                backup_method: BackupMethod::Password,
                backup_share_pair_ids: PerCurve::new(pair(1), pair(2)),
                cipher_text: CipherText::new(text.to_owned()).expect("a text"),
            };
            match store.insert_cipher_text(new, at(u64::from(n))).await {
                Ok(stored) => Some((stored.cipher_text.as_str().to_owned(), stored.created_at)),
                Err(InsertError::Taken) => None,
                Err(InsertError::Store(error)) => panic!("{error:?}"),
            }
        });
    }
    let mut answers: Vec<_> = racing.join_all().await.into_iter().flatten().collect();
    assert_eq!(answers.len(), RACERS as usize / 2, "{answers:?}");
    answers.dedup();
    assert_eq!(answers.len(), 1, "all tell of one: {answers:?}");
}

/// Never more than the window allows.
pub async fn of_racing_recoveries_so_many_are_answered<B: Backend>(backend: &B) {
    let stores = two(backend).await;
    let policy = RecoveryPolicy {
        window_ms: 1_000,
        uses: 3,
    };
    let window = stores[0].open_recovery(client(1), policy, at(0)).await;
    window.expect("opened");
    let mut racing = JoinSet::new();
    for n in 0..RACERS {
        let store = Arc::clone(&stores[(n % 2) as usize]);
        racing.spawn(async move {
            match store.use_recovery(client(1), request(n), at(1)).await {
                Ok(()) => 1,
                Err(RecoveryError::NotOpen) => 0,
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    let answered: u32 = racing.join_all().await.into_iter().sum();
    assert_eq!(answered, policy.uses);
}

/// Who comes first is told so, and nobody else.
pub async fn of_racing_calls_one_is_the_first<B: Backend>(backend: &B) {
    let stores = two(backend).await;
    let mut racing = JoinSet::new();
    for n in 0..RACERS {
        let store = Arc::clone(&stores[(n % 2) as usize]);
        racing.spawn(async move {
            let heard = store.hear("fetch_1", at(0), at(0)).await;
            u32::from(heard.expect("an answer"))
        });
    }
    let first: u32 = racing.join_all().await.into_iter().sum();
    assert_eq!(first, 1);
}
