// SPDX-License-Identifier: Apache-2.0
// What a job and a fine-tuning have in common: the way to stop it, and the files that it left.
import { useState } from "react";
import { useTexts } from "../../i18n";
import { Button } from "../../ui/controls";
import { Dialog, Failure } from "../../ui/surfaces";
import { Table } from "../../ui/table";
import { toast } from "../../ui/toast";
import { bytesText, download, type LeftFile } from "./data";
import { words } from "./words";

export function CancelButton({ cancel }: { cancel: () => Promise<unknown> }) {
  const t = useTexts(words);
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const go = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await cancel();
      toast(t.cancelled);
      setOpen(false);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button look="danger" onClick={() => setOpen(true)}>
        {t.cancel}
      </Button>
      <Dialog title={t.reallyCancel} open={open} onClose={() => setOpen(false)}>
        <p>{t.cancelWhy}</p>
        {failure !== null && <Failure error={failure} />}
        <div className="row">
          <Button look="danger" busy={busy} onClick={go}>
            {t.cancel}
          </Button>
          <Button onClick={() => setOpen(false)}>{t.keep}</Button>
        </div>
      </Dialog>
    </>
  );
}

export function LeftFiles({ files, token, caption }: { files: readonly LeftFile[]; token: string; caption: string }) {
  const t = useTexts(words);
  const fetchFile = (file: LeftFile) =>
    download(file.path, file.name.split("/").at(-1) ?? file.name, token).catch((error) => toast(String(error.message)));
  return (
    <Table
      caption={caption}
      rows={files}
      keyOf={(file) => file.path}
      empty={<p className="soft">{t.noLeft}</p>}
      columns={[
        { key: "name", label: t.name, cell: (file) => <span className="breaks">{file.name}</span> },
        { key: "step", label: t.step, cell: (file) => `${file.group}/${file.index}` },
        { key: "size", label: t.size, end: true, cell: (file) => bytesText(file.bytes) },
        {
          key: "get",
          label: "",
          end: true,
          cell: (file) => (
            <Button
              small
              disabled={!file.is_kept}
              aria-label={`${t.download} ${file.name}`}
              onClick={() => fetchFile(file)}
            >
              {t.download}
            </Button>
          ),
        },
      ]}
    />
  );
}
