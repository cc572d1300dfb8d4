//! A broker that answers as a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use minka::limits::FRAME_BYTES_MAX;
use minka::wire::kafka::api_versions::ApiVersionsResponse;
use minka::wire::kafka::field::Message;
use minka::wire::kafka::find_coordinator::{Coordinator, FindCoordinatorResponse};
use minka::wire::kafka::frame::{next_frame, write_response};
use minka::wire::kafka::header::RequestHeader;
use minka::wire::kafka::metadata::{
    MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic,
};
use minka::wire::kafka::request::Request;
use minka::wire::kafka::{ApiKey, Reader, Uuid};

/// The only topic of a fake broker, `t`, has this ID.
pub(crate) const TOPIC_ID: Uuid = Uuid([7; 16]);
/// The ID of the broker.
const NODE: i32 = 3;

/// A request that came over a connection.
pub(crate) struct Asked<'a> {
    pub(crate) header: RequestHeader<'a>,
    pub(crate) request: Request<'a>,
    /// Which connection it is, counted from 0.
    pub(crate) connection: usize,
}

impl Asked<'_> {
    /// The frame of an answer.
    pub(crate) fn answer<M: Message>(&self, body: &M) -> Vec<u8> {
        let mut out = Vec::new();
        write_response(&mut out, self.header.version, self.header.correlation_id, body).unwrap();
        out
    }
}

/// Answers some requests with bytes, of which none ends the connection; `None` leaves a request to
/// the ordinary answer.
pub(crate) type Answers = dyn Fn(&Asked<'_>) -> Option<Vec<u8>> + Send + Sync;

/// Starts a broker with one topic, `t`, of one partition.
pub(crate) fn start(
    answers: impl Fn(&Asked<'_>) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers: Arc<Answers> = Arc::new(answers);
    thread::spawn(move || {
        for (connection, stream) in (0..).zip(listener.incoming().map_while(Result::ok)) {
            let answers = answers.clone();
            thread::spawn(move || serve(stream, address, connection, &*answers));
        }
    });
    address
}

fn serve(mut stream: TcpStream, address: SocketAddr, connection: usize, answers: &Answers) {
    let (mut buffer, mut chunk) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        while let Ok(Some(place)) = next_frame(&buffer, FRAME_BYTES_MAX) {
            let frame: Vec<u8> = buffer.drain(..place.end).skip(place.start).collect();
            let mut reader = Reader::new(&frame);
            let header = RequestHeader::decode(&mut reader).unwrap();
            let request = Request::decode(&header, &mut reader).unwrap();
            let asked = Asked { header, request, connection };
            let answer = answers(&asked).unwrap_or_else(|| ordinary(&asked, address));
            if answer.is_empty() || stream.write_all(&answer).is_err() {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(read @ 1..) => buffer.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
}

/// What any broker answers; a request of another kind ends the connection.
fn ordinary(asked: &Asked<'_>, address: SocketAddr) -> Vec<u8> {
    let port = address.port().into();
    match &asked.request {
        Request::ApiVersions(_) => {
            let logs_in = [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate];
            let served: Vec<ApiKey> = ApiKey::all().filter(|api| !logs_in.contains(api)).collect();
            let api_keys = ApiKey::advertise(&served);
            asked.answer(&ApiVersionsResponse { api_keys, ..ApiVersionsResponse::default() })
        }
        Request::Metadata(_) => {
            let partition = MetadataPartition { leader_id: NODE, ..MetadataPartition::default() };
            let topic = MetadataTopic {
                name: Some("t".into()),
                topic_id: TOPIC_ID,
                partitions: vec![partition],
                ..MetadataTopic::default()
            };
            let host = "127.0.0.1".into();
            let broker = MetadataBroker { node_id: NODE, host, port, ..MetadataBroker::default() };
            asked.answer(&MetadataResponse {
                brokers: vec![broker],
                controller_id: NODE,
                topics: vec![topic],
                ..MetadataResponse::default()
            })
        }
        Request::FindCoordinator(request) => {
            let key = request.coordinator_keys.first().copied().unwrap_or(request.key).into();
            let host: std::borrow::Cow<'_, str> = "127.0.0.1".into();
            let one = Coordinator { key, node_id: NODE, host, port, ..Coordinator::default() };
            asked.answer(&FindCoordinatorResponse {
                coordinators: vec![one],
                ..FindCoordinatorResponse::default()
            })
        }
        _ => Vec::new(),
    }
}
