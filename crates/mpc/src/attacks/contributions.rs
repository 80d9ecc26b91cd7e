//! Contributions to a key that are related to ours.

use super::*;

fn contribution_of<G: Group>(scalar: &G::Scalar, sid: Sid) -> ([u8; 32], Vec<u8>) {
    let rng = &mut rand::rng();
    let point = G::base_mul(scalar);
    let proof = possession::prove::<G>(&sid.0, Role::Server, scalar, &point, rng);
    let value = [G::encode_point(&point).as_slice(), &proof, &[8; 32]].concat();
    let (opening, commitment) =
        commitment::commit("key contribution", sid, Role::Server, &value, rng);
    (commitment, opening.reveal().to_vec())
}

/// A server that learned the client's x_C (say, from a broken client) must still not be able
/// to make a trivial or doubled key of it.
fn related_contributions_are_refused<G: Group>() {
    let session = session(Operation::Generate);
    let key = context(Some(SIGNING), None);
    for (relation, check) in [("negated", Check::Key), ("copied", Check::Contribution)] {
        let part = crate::generate::Part::<G>::new(Role::Client, &session, &key).unwrap();
        let (own, _) = part.commit(&mut rand::rng());
        let scalar = if relation == "negated" {
            -*own.x
        } else {
            *own.x
        };
        let (peer, opening) = contribution_of::<G>(&scalar, part.sid);
        let committed = crate::generate::Committed { own, peer };
        assert_eq!(
            part.combine(committed, &opening).err(),
            Some(Abort::blame(Role::Server, check)),
            "{relation}"
        );
    }
}

#[test]
fn a_key_contribution_related_to_ours_is_refused() {
    related_contributions_are_refused::<Secp256k1>();
    related_contributions_are_refused::<Ed25519>();
}

#[test]
fn a_commitment_opens_for_one_purpose_party_and_session() {
    let (opening, commitment) =
        commitment::commit("a", Sid([1; 32]), Role::Client, b"value", &mut rand::rng());
    let open = |purpose, sid, role| {
        commitment::open(purpose, Sid([sid; 32]), role, &commitment, opening.reveal()).is_ok()
    };
    assert!(open("a", 1, Role::Client));
    assert!(!open("b", 1, Role::Client));
    assert!(!open("a", 2, Role::Client));
    assert!(!open("a", 1, Role::Server));
}
