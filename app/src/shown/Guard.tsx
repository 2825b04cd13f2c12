/** What cannot be shown or loaded takes nothing else with it, and says so. */
import { Component, type ReactNode } from "react";
import { Notice } from "./parts.tsx";

type Props = { readonly children: ReactNode };

export class Guard extends Component<Props, { readonly broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <Notice kind="bad">
        <p>This part cannot be shown: it did not load, or what it was told makes no sense.</p>
        <button onClick={() => location.reload()}>Load the page again</button>
      </Notice>
    );
  }
}
