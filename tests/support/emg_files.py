"""Small files in the published layouts of EMG systems, written here from their descriptions."""

import io
import struct
import tarfile

import numpy as np


def otb_plus(counts, *, device="QUATTROCENTO", gain="150.0", rate=2048, doctype="", packed=""):
    """An .otb+ archive: `counts` (T, 4) of 16 bits; two EMG, an auxiliary input, a ramp."""
    channels = "".join(
        f'<Channel Index="{i}" ID="EMG {i + 1}" Muscle="{muscle}" Side="Left" Gain="1"/>'
        for i, muscle in enumerate(("Flexor digitorum superficialis", "Not Defined"))
    )
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}'
        f'<Device Name="{device}" SampleFrequency="{rate}" DeviceTotalChannels="4" ad_bits="16">'
        f'<Channels><Adapter ID="HD10MM0804" Gain="{gain}" ChannelStartIndex="0">{channels}'
        '</Adapter><Adapter ID="Direct connection to Auxiliary Input" Gain="0.5" '
        'ChannelStartIndex="2"><Channel Index="0" ID="AUX 1" Gain="1"/></Adapter>'
        '<Adapter ID="AdapterControl" Gain="1" ChannelStartIndex="3">'
        '<Channel Index="0" ID="Ramp" Gain="1"/></Adapter></Channels></Device>'
    )
    markers = (
        "<ArrayOfMarker><Marker><Milliseconds>10</Milliseconds>"
        "<Description>press</Description></Marker></ArrayOfMarker>"
    )
    members = {
        "patient.xml": b"<patient/>",
        "20260101.xml": xml.encode(),
        "20260101.sig": np.asarray(counts, "<i2").tobytes(),
        "markers_0.xml": markers.encode(),
    }
    return archive(members, packed)


def otb4(counts, *, rate=2000, gain=1.0, unit="mV", factor=1000.0, size=2):
    """An .otb4 archive: `counts` (T, 3); a track of two EMG channels, and a ramp."""

    def track(title, subtitle, first, channels, control, gain):
        labels = "".join(
            f"<ChannelRapresentation><Index>{i}</Index><Label>{i}</Label></ChannelRapresentation>"
            for i in range(channels)
        )
        return (
            f"<TrackInfo><Device>NOVECENTO+</Device><Title>{title}</Title>"
            f"<SubTitle>{subtitle}</SubTitle><SamplingFrequency>{rate}</SamplingFrequency>"
            f"<NumberOfChannels>{channels}</NumberOfChannels><Gain>{gain}</Gain>"
            f"<AcquisitionChannel>{first}</AcquisitionChannel><ADC_Range>4.8</ADC_Range>"
            f"<ADC_Nbits>{8 * size}</ADC_Nbits><SampleSize>{size}</SampleSize>"
            f"<TotalChannelsInFile>3</TotalChannelsInFile><UnitOfMeasurement>{unit}"
            f"</UnitOfMeasurement><UnitOfMeasurementFactor>{factor}</UnitOfMeasurementFactor>"
            f"<IsControl>{control}</IsControl><SignalStreamPath>data.sig</SignalStreamPath>"
            f"<Channels>{labels}</Channels></TrackInfo>"
        )

    xml = (
        "<ArrayOfTrackInfo>"
        + track("Forearm", "HD08MM1305", 0, 2, "false", gain)
        + track("Forearm", "Ramp", 2, 1, "true", 1.0)
        + "</ArrayOfTrackInfo>"
    )
    kinds = {2: "<i2", 4: "<i4", 8: "<f8"}
    if size == 3:
        data = np.asarray(counts, "<i4").tobytes()
        data = b"".join(data[i : i + 3] for i in range(0, len(data), 4))
    else:
        data = np.asarray(counts, kinds[size]).tobytes()
    return archive(
        {"DeviceParameters.xml": b"<D/>", "Tracks_000.xml": xml.encode(), "data.sig": data}
    )


def archive(members, packed=""):
    """A tar archive of files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=f"w:{packed}") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return target.getvalue()


def xdf(samples, rate=500.0, *, unit="microvolts", kind="EMG", start=100.0, offset=0.0):
    """An XDF file: a stream of EMG in chunks, a force of an uneven rate, and markers."""
    labels = "".join(
        f"<channel><label>{name}</label><unit>{unit}</unit><type>EMG</type></channel>"
        for name in ("FDS", "EDC")
    )
    count = samples.shape[1]
    parts = [b"XDF:", _chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')]
    parts.append(
        _header(1, "Armband", kind, count, rate, "float32", f"<channels>{labels}</channels>")
    )
    parts.append(_header(2, "Grip", "Force", 1, 0.0, "double64", ""))
    parts.append(_header(3, "Keys", "Markers", 1, 0.0, "string", ""))
    for first in range(0, len(samples), 50):
        rows = samples[first : first + 50]
        body = b"\x04" + struct.pack("<I", len(rows))
        for i, row in enumerate(rows):
            stamp = struct.pack("<Bd", 8, start + (first + i) / rate) if i == 0 else b"\x00"
            body += stamp + np.asarray(row, "<f4").tobytes()
        parts.append(_chunk(3, struct.pack("<I", 1) + body))
    for stream, value in ((1, offset), (2, 0.0), (3, 0.0)):
        parts.append(_chunk(4, struct.pack("<Idd", stream, start, value)))
    forces = b"".join(struct.pack("<Bdd", 8, start + 0.1 * i, float(i)) for i in range(4))
    parts.append(_chunk(3, struct.pack("<I", 2) + b"\x01\x04" + forces))
    mark = struct.pack("<Bd", 8, start + 0.1) + b"\x01\x05press"
    parts.append(_chunk(3, struct.pack("<I", 3) + b"\x01\x01" + mark))
    for stream in (1, 2, 3):
        parts.append(
            _chunk(6, struct.pack("<I", stream) + b"<info><sample_count>1</sample_count></info>")
        )
    return b"".join(parts)


def _header(stream, name, kind, count, rate, fmt, desc):
    xml = (
        f'<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>'
        f"<channel_count>{count}</channel_count><nominal_srate>{rate}</nominal_srate>"
        f"<channel_format>{fmt}</channel_format><desc>{desc}</desc></info>"
    )
    return _chunk(2, struct.pack("<I", stream) + xml.encode())


def _chunk(tag, content):
    body = struct.pack("<H", tag) + content
    if len(body) < 256:
        return struct.pack("<BB", 1, len(body)) + body
    return struct.pack("<BI", 4, len(body)) + body


def emgworks(values, rate=2000.0, *, unit="mV", mark=",", decimal="."):
    """An export of EMGworks: a signal of EMG and an acceleration of a quarter of its rate."""
    count = len(values) // 4
    names = ("R FDS: EMG 1", "R FDS: Acc 1.X")
    facts = zip(names, (rate, rate / 4), (len(values), count), (unit, "g"), strict=True)
    lines = [
        f"Label: {name} Sampling frequency: {fs:.6f} Number of points: {points} start: 0 "
        f"Unit: {own} Domain Unit: s"
        for name, fs, points, own in facts
    ]
    lines.append(mark.join(f'X[s]{mark}"{name}"' for name in names))
    for i, value in enumerate(values):
        cells = [f"{i / rate:.6f}", f"{value:.6f}"]
        cells += [f"{4 * i / rate:.6f}", f"{0.1 * i:.6f}"] if i < count else ["", ""]
        lines.append(mark.join(cell.replace(".", decimal) for cell in cells))
    return "\n".join(lines) + "\n"


def discover(values, rate=2000.0, *, unit="mV"):
    """An export of Trigno Discover: two sensors of EMG and acceleration, and two markers."""
    pair = f"EMG 1 Time Series (s), EMG 1 ({unit}), ACC X Time Series (s), ACC X (G)"
    lines = [
        "Application:, Trigno Discover (2.1.0.7)",
        "Date/Time:, 01-01-2026 10:00:00",
        f"Collection Length (seconds):, {len(values) / rate}",
        "Avanti Sensor 1 (111), , , , Avanti Sensor 2 (222), , , ",
        "sensor mode: 65, , , , sensor mode: 65, , , ",
        f"{pair}, {pair}",
        ", ".join([f", {rate} Hz, , {rate / 4} Hz"] * 2),
        ", ".join([f", {1 / rate} s, , {4 / rate} s"] * 2)
        + ", , Type, Name, Label, Time (s), , Pair",
    ]
    for i, (one, two) in enumerate(values):
        slow = f"{4 * i / rate:.6f}, 1.0" if i < len(values) // 4 else " , "
        line = f"{i / rate:.6f}, {one:.6f}, {slow}, {i / rate:.6f}, {two:.6f}, {slow}"
        lines.append(line + (f", , General, E{i}, E{i}, {i / rate:.6f}, , " if i < 2 else ""))
    return "\n".join(lines) + "\n"


def bts(values, rate=1000.0, *, unit="mV", decimal=".", kind="Emg tracks"):
    """A file of EMG tracks as BTS writes it."""
    head = (
        f"BTS ASCII format\n\nType:         \t{kind}\nMeasure unit: \t{unit}\n\n"
        f"Tracks:       \t2\nFrequency:    \t{rate:.3f} Hz\nFrames:       \t{len(values)}\n"
        "Start time:   \t0.000\n\n Frame\t  Time\tFDS\tEDC\t\n"
    )
    body = "".join(
        f"{i + 1:6d}\t{i / rate:9.4f}\t{one:10.6f}\t{two:10.6f}\t\n"
        for i, (one, two) in enumerate(values)
    )
    return (head + body).replace(".", decimal)


def noraxon(values, rate=1500.0, *, unit="uV"):
    """An export of Noraxon's myoRESEARCH: facts above, activities, acceleration and a trigger."""
    lines = [
        "name,type,last_name,first_name,measurement_date",
        '"Trial 1",emg,Doe,Jane,"2026-01-02 10:00:00"',
        "",
        f'time,Activity,Marker,"VMO RT, {unit}","VLO RT, {unit}",'
        '"Ultium EMG.Internal Accel 1 Ax (mG)","Ultium EMG.Sync, On"',
    ]
    for i, (one, two) in enumerate(values):
        words = f"{'Rest' if i < 20 else 'Press'},{'M1' if i == 30 else ''}"
        lines.append(f"{i / rate:.6f},{words},{one:.4f},{two:.4f},{i},0")
    return "\n".join(lines) + "\n"


def opensignals(counts, rate=1000, *, sensors=("EMG", "EMG"), converted=0):
    """A text file of OpenSignals."""
    names = ", ".join(f'"CH{i + 1}"' for i in range(len(sensors)))
    kinds = ", ".join(f'"{sensor}"' for sensor in sensors)
    bits = ", ".join(["16"] * len(sensors))
    lines = [
        "# OpenSignals Text File Format. Version 1",
        f'# {{"00:07:80:00:00:01": {{"sensor": [{kinds}], "column": ["nSeq", "DI", {names}], '
        f'"sampling rate": {rate}, "resolution": [{bits}], "convertedValues": {converted}}}}}',
        "# EndOfHeader",
    ]
    lines += ["\t".join(map(str, [i, 0, *row])) + "\t" for i, row in enumerate(counts)]
    return "\n".join(lines) + "\n"
