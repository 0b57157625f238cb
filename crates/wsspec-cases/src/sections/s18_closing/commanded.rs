//! 18.3 and 18.4: the peer closes first, because a command asks for it.

use crate::prelude::*;
use crate::step::Step;

use super::{ANSWER, API, CLIENT_WAITS, LAST, PING, SERVER_ENDS, SHORT, START};

/// For the peer to do what it is told.
const SOON: std::time::Duration = secs(2);
/// For a second Close frame, or anything else that must not come.
const A_MOMENT: std::time::Duration = millis(300);

pub(super) fn declare(s: &mut Declaration<'_>) {
    told_to_close(s);
    long_reasons(s);
    codes_that_must_not_be_sent(s);
    late_answers(s);
    odd_answers(s);
    the_end_of_tcp(s);
    what_the_api_says(s);
    at_the_same_time(s);
}

fn told_to_close(s: &mut Declaration<'_>) {
    s.group(3, "The peer closes first").rules([START]);
    s.case("18.3.1", "peer-closes", "The peer is told to close, without a code")
        .expect("It closes without a code or with 1000.")
        .command("!close")
        .await_(Awaited::Close, SOON)
        .fail_after(secs(5))
        .peer_closes(PeerCloses::with(NORMAL).or_none());

    s.case("18.3.2", "peer-closes-1000", "The peer is told to close with 1000")
        .expect("The payload of its Close frame is the code and nothing else.")
        .command("!close 1000")
        .await_(Awaited::Close, SOON)
        .fail_after(secs(5))
        .peer_closes(PeerCloses::with(NORMAL));

    s.case("18.3.3", "peer-closes-3001-bye", "The peer is told to close with 3001 and a reason")
        .expect("Its Close frame carries both.")
        .command("!close 3001 bye")
        .await_(Awaited::Close, SOON)
        .fail_after(secs(5))
        .peer_closes(PeerCloses::with(3001).reason("bye"));
}

fn long_reasons(s: &mut Declaration<'_>) {
    s.rules([START, SHORT]);
    let longest = "*".repeat(123);
    s.case("18.3.4", "peer-closes-longest-reason", "The peer is told to close with a reason of 123 octets")
        .expect("Its Close frame carries the whole reason.")
        .command(format!("!close 1000 {longest}"))
        .await_(Awaited::Close, SOON)
        .fail_after(secs(5))
        .peer_closes(PeerCloses::with(NORMAL).reason(longest));

    s.rules([SHORT]);
    let too_long = "é".repeat(62);
    s.case("18.3.5", "peer-closes-too-long-reason", "The peer is told to close with a reason of 124 octets")
        .expect("It refuses, or cuts the reason at the end of a character.")
        .command(format!("!close 1000 {too_long}"))
        .await_perhaps(Awaited::Close, SOON)
        .send(close(NORMAL))
        .fail_after(secs(5))
        .peer_closes(PeerCloses::with(NORMAL).reason(too_long).or_less().or_refuses());
}

fn codes_that_must_not_be_sent(s: &mut Declaration<'_>) {
    let codes = [
        (1005, super::RESERVED),
        (1006, super::RESERVED),
        (1015, super::RESERVED),
        (999, super::UNUSED),
        (1004, super::REGISTERED),
        (5000, super::BEYOND),
    ];
    for (n, (code, rule)) in (6..).zip(codes) {
        s.rules([rule]);
        let title = format!("The peer is told to close with {code} through its API");
        s.case(format!("18.3.{n}"), format!("peer-closes-{code}"), title)
            .expect("That code is in no Close frame: the API refuses it, or another code is sent.")
            .command(format!("!close-api {code}"))
            .await_perhaps(Awaited::Close, SOON)
            .send(close(NORMAL))
            .fail_after(secs(5))
            .peer_closes(PeerCloses::somehow().or_refuses());
    }
}

fn late_answers(s: &mut Declaration<'_>) {
    s.rules([START, ANSWER]);
    s.case(
        "18.3.12",
        "answer-after-1-s",
        "The peer is told to close, and its Close frame is answered 1 s later",
    )
    .closing_by_script()
    .expect("The peer waits for the answer.")
    .command("!close 1000")
    .await_(Awaited::Close, SOON)
    .wait(secs(1))
    .send(close(NORMAL))
    .end_by_role()
    .fail_after(secs(5))
    .peer_closes(PeerCloses::with(NORMAL));

    s.case("18.3.13", "no-answer", "The peer is told to close, and its Close frame is not answered for 60 s")
        .closing_by_script()
        .expect("The peer ends TCP when it has waited long enough; when that is, is told.")
        .command("!close 1000")
        .await_(Awaited::Close, SOON)
        .await_perhaps(Awaited::EndOfTcp, secs(60))
        .end_tcp()
        .fail_after(secs(1))
        .peer_closes(PeerCloses::with(NORMAL))
        .tcp(EndOfTcp::Told)
        .slow();
}

fn odd_answers(s: &mut Declaration<'_>) {
    s.rules([LAST]);
    s.case(
        "18.3.14",
        "data-before-the-answer",
        "The peer is told to close; three text messages come before the answer",
    )
    .closing_by_script()
    .expect("Behind its Close frame the peer sends nothing, and TCP is ended.")
    .command("!close 1000")
    .await_(Awaited::Close, SOON)
    .send_all(["a", "b", "c"].map(text))
    .send(close(NORMAL))
    .wait(A_MOMENT)
    .end_by_role()
    .fail_after(secs(5))
    .peer_closes(PeerCloses::with(NORMAL));

    s.case(
        "18.3.15",
        "answer-with-another-code",
        "The peer is told to close with 1000, and is answered with 3000",
    )
    .closing_by_script()
    .expect("No second Close frame comes, and TCP is ended.")
    .command("!close 1000")
    .await_(Awaited::Close, SOON)
    .send(close(3000))
    .wait(A_MOMENT)
    .end_by_role()
    .fail_after(secs(5))
    .peer_closes(PeerCloses::with(NORMAL));

    let answers = [
        ("the code 1005", close(1005)),
        ("a body of one octet", close_without_code().reason(vec![0x03])),
        ("a reason that is no UTF-8", close(NORMAL).reason(vec![0xff])),
    ];
    s.case("18.3.16", "unlawful-answers", "The peer is told to close, and gets an answer that is unlawful")
        .commanded()
        .closing_by_script()
        .expect("No second Close frame comes, and TCP is ended.")
        .each_of(3, "1005, a body of one octet, a reason that is no UTF-8", move |n, case| {
            let (what, answer) = &answers[n as usize];
            case.called(format!("The peer is told to close, and is answered with {what}"))
                .command("!close 1000")
                .await_(Awaited::Close, SOON)
                .send(answer.clone())
                .wait(A_MOMENT)
                .end_by_role()
                .fail_after(secs(5))
                .peer_closes(PeerCloses::with(NORMAL));
        });

    s.rules([PING]);
    s.case("18.3.17", "ping-before-the-answer", "The peer is told to close; a ping comes before the answer")
        .closing_by_script()
        .expect("Whether the ping is answered is told. TCP is ended.")
        .command("!close 1000")
        .await_(Awaited::Close, SOON)
        .send(ping("late"))
        .send(close(NORMAL))
        .wait(A_MOMENT)
        .end_by_role()
        .fail_after(secs(5))
        .peer_closes(PeerCloses::with(NORMAL).perhaps([ponged("late")]));
}

fn the_end_of_tcp(s: &mut Declaration<'_>) {
    s.rules([SERVER_ENDS]);
    s.case(
        "18.3.18",
        "server-ends-tcp-it-closed",
        "The server is told to close, and answered; the tester leaves TCP to it",
    )
    .of_servers()
    .closing_by_script()
    .expect("The server ends TCP within 1 s.")
    .command("!close 1000")
    .await_(Awaited::Close, SOON)
    .send(close(NORMAL))
    .await_(Awaited::EndOfTcp, secs(3))
    .fail_after(secs(1))
    .peer_closes(PeerCloses::with(NORMAL))
    .tcp(EndOfTcp::Within(secs(1), secs(3)));

    s.rules([CLIENT_WAITS]);
    s.case(
        "18.3.19",
        "client-waits-for-tcp-it-closed",
        "The client is told to close, and answered; the tester keeps TCP open for 5 s",
    )
    .of_clients()
    .closing_by_script()
    .expect("The client waits 1 s at least until it ends TCP by itself.")
    .command("!close 1000")
    .await_(Awaited::Close, SOON)
    .send(close(NORMAL))
    .await_perhaps(Awaited::EndOfTcp, secs(5))
    .end_tcp()
    .fail_after(secs(1))
    .peer_closes(PeerCloses::with(NORMAL))
    .tcp(EndOfTcp::NotBefore(secs(1)));

    s.case(
        "18.3.20",
        "client-waits-for-tcp",
        "A Close frame; behind the answer the tester keeps TCP open for 5 s",
    )
    .of_clients()
    .closing_by_script()
    .expect("The client leaves it to the server to end TCP.")
    .send(close(NORMAL))
    .await_(Awaited::Close, secs(3))
    .await_perhaps(Awaited::EndOfTcp, secs(5))
    .end_tcp()
    .fail_after(secs(1))
    .closes(Closes::with([NORMAL]))
    .tcp(EndOfTcp::NotBefore(secs(5)));
}

fn what_the_api_says(s: &mut Declaration<'_>) {
    s.rules([API]);
    let ends: [(&str, &str, &str, Step, &str); 4] = [
        (
            "18.3.21",
            "state-after-3002",
            "a Close frame with 3002 and \"r\"",
            close(3002).reason("r").into(),
            "3002 clean r",
        ),
        (
            "18.3.22",
            "state-after-empty-close",
            "a Close frame without a code",
            close_without_code().into(),
            "1005 clean",
        ),
        ("18.3.23", "state-after-fin", "the end of TCP with FIN", Step::HalfClose, "1006 unclean"),
        ("18.3.24", "state-after-rst", "the end of TCP with RST", Step::Reset, "1006 unclean"),
    ];
    for (id, slug, what, end, state) in ends {
        s.case(id, slug, format!("What the API of the client says after {what}"))
            .of_clients()
            .commanded()
            .expect(format!("On the next connection the client says: {state}."))
            .each_of(2, format!("{what}; then the client is asked for its state"), move |n, case| {
                if n == 0 {
                    ended_by(case.called(format!("A connection that ends with {what}")), &end);
                    return;
                }
                case.called("The client is told to say how the connection before ended")
                    .command("!state")
                    .fail_after(secs(2))
                    .ok([message(format!("!state {state}"))])
                    .close(we_close([NORMAL]));
            });
    }
}

/// The tester ends the connection like this; what the client makes of it is asked for on the next one.
fn ended_by(case: &mut Case, end: &Step) {
    case.send(end.clone());
    match end {
        Step::HalfClose => {
            case.await_perhaps(Awaited::EndOfTcp, secs(5)).end_tcp().fail_after(secs(1)).only_plays()
        }
        Step::Reset => case.fail_after(secs(1)).only_plays(),
        _ => case.fail_after(secs(5)).closes(Closes::with([3002, NORMAL])),
    };
}

fn at_the_same_time(s: &mut Declaration<'_>) {
    s.group(4, "Both close at once").rules([ANSWER, LAST]);
    s.case(
        "18.4.1",
        "both-close",
        "The peer is told to close with 1000, and a Close frame with 1001 follows at once",
    )
    .expect("One Close frame comes, and TCP is ended.")
    .command("!close 1000")
    .send(close(GOING_AWAY))
    .fail_after(secs(5))
    .closes(Closes::with([NORMAL, GOING_AWAY]));

    s.case(
        "18.4.2",
        "both-close-200-times",
        "The peer is told to close with 1000, and a Close frame with 1001 follows 0 to 10 ms later, 200 times",
    )
    .commanded()
    .expect("Each time one Close frame comes, and TCP is ended.")
    .each_of(200, "the command to close, and a Close frame that follows a little later each time", |n, case| {
        let later = std::time::Duration::from_micros(50) * n;
        case.called(format!("The Close frame follows {later:?} after the command"))
            .command("!close 1000")
            .wait(later)
            .send(close(GOING_AWAY))
            .fail_after(secs(5))
            .closes(Closes::with([NORMAL, GOING_AWAY]));
    })
    .many();

    s.rules([LAST, ANSWER]);
    s.case(
        "18.4.3",
        "close-in-a-burst",
        "The peer is told to send 100 messages of 64 KiB; a Close frame comes after the third",
    )
    .expect("The Close frame is answered between two messages, and nothing comes behind the answer.")
    .command("!burst 100 65536")
    .await_(Awaited::Messages(3), secs(5))
    .send(close(NORMAL))
    .fail_after(secs(10))
    .closes(Closes::with([NORMAL]).after_any_messages().within(secs(10)));
}
